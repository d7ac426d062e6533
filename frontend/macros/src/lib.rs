//! The derive of `Pytree`, and nothing else.
//!
//! What it writes names only `::jacinth::tree`, so that the expansion reads like an impl written by hand. Static fields take
//! part in the structure in the order of declaration. Deliberately absent: unions, lifetimes (a pytree owns its leaves).

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::parse::Error;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Field, Fields, GenericParam, Ident};

/// Derives `Pytree` for a struct (named, tuple or unit; generic) or an enum.
///
/// `#[pytree(static)]` on a field puts its value into the structure: it must be `Clone + Eq + Hash + Debug + Send + Sync`.
/// The other fields must be pytrees; type parameters that they name are bounded by `Pytree`. Generated code names `::jacinth::tree`, so
/// that the crate must be in scope as `jacinth`. An example stands at `jacinth::tree::Pytree`.
#[proc_macro_derive(Pytree, attributes(pytree))]
pub fn derive_pytree(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(input).unwrap_or_else(Error::into_compile_error).into()
}

/// A struct, or one variant of an enum.
struct Variant {
    /// What patterns and expressions start with: `Self` or `Self::Variant`.
    constructor: TokenStream,
    name: String,
    fields: Vec<FieldPlan>,
}

struct FieldPlan {
    /// As written in `Self { member: … }`.
    member: TokenStream,
    key: String,
    binding: Ident,
    is_static: bool,
    /// `PhantomData` asks nothing of its parameter.
    is_phantom: bool,
    ty: TokenStream,
    span: Span,
}

fn expand(input: DeriveInput) -> Result<TokenStream, Error> {
    let name = &input.ident;
    reject_attributes(&input.attrs, "the type")?;
    if let Some(lifetime) = input.generics.lifetimes().next() {
        return Err(Error::new(
            lifetime.span(),
            "Pytree cannot be derived for a type with a lifetime parameter: a pytree owns its leaves",
        ));
    }
    let variants = match &input.data {
        Data::Struct(data) => vec![plan(quote!(Self), name.to_string(), &data.fields)?],
        Data::Enum(data) if data.variants.is_empty() => {
            return Err(Error::new(name.span(), "Pytree cannot be derived for an enum without variants"));
        }
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|v| {
                reject_attributes(&v.attrs, "a variant")?;
                let ident = &v.ident;
                plan(quote!(Self::#ident), format!("{name}::{ident}"), &v.fields)
            })
            .collect::<Result<_, _>>()?,
        Data::Union(data) => {
            return Err(Error::new(
                data.union_token.span(),
                "Pytree cannot be derived for a union: which field holds the leaves is not known; use an enum",
            ));
        }
    };

    let bounds = bounds(&input, &variants);
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let predicates = where_clause.map(|w| w.predicates.to_token_stream()).filter(|p| !p.is_empty());
    let predicates = predicates.map(|p| if p.to_string().ends_with(',') { p } else { quote!(#p,) });

    let types = variants.iter().map(|v| {
        let label = &v.name;
        let keys = v.fields.iter().map(|f| &f.key);
        quote!(::jacinth::tree::NodeType {
            name: #label,
            path: ::core::concat!(::core::module_path!(), "::", #label),
            fields: &[#(#keys),*],
        })
    });
    let count = variants.len();
    let options = (0..count).map(|i| quote!(&NODES[#i]));

    let flatten = variants.iter().enumerate().map(|(i, v)| {
        let pattern = v.pattern();
        let steps = v.fields.iter().map(|f| {
            let binding = &f.binding;
            if f.is_static {
                quote_at(f.span, quote!(out.fixed(#binding);))
            } else {
                quote_at(f.span, quote!(::jacinth::tree::Pytree::flatten(#binding, out);))
            }
        });
        quote!(#pattern => { out.structure(&NODES[#i]); #(#steps)* })
    });
    let into_leaves = variants.iter().map(|v| {
        let constructor = &v.constructor;
        let dynamic: Vec<_> = v.fields.iter().filter(|f| !f.is_static).collect();
        let members = dynamic.iter().map(|f| {
            let (member, binding) = (&f.member, &f.binding);
            quote!(#member: #binding)
        });
        let bindings = dynamic.iter().map(|f| &f.binding);
        quote!(#constructor { #(#members,)* .. } => { #(::jacinth::tree::Pytree::into_leaves(#bindings, out);)* })
    });
    let unflatten = variants.iter().enumerate().map(|(i, v)| {
        let constructor = &v.constructor;
        let members = v.fields.iter().map(|f| {
            let member = &f.member;
            if f.is_static {
                quote!(#member: from.fixed()?)
            } else {
                quote!(#member: ::jacinth::tree::Pytree::unflatten(from)?)
            }
        });
        let arm = if i + 1 == count { quote!(_) } else { quote!(#i) };
        quote!(#arm => #constructor { #(#members),* })
    });

    Ok(quote! {
        const _: () = {
            static NODES: [::jacinth::tree::NodeType; #count] = [#(#types),*];

            #[automatically_derived]
            impl #impl_generics ::jacinth::tree::Pytree for #name #type_generics
            where
                #predicates
                #bounds
            {
                #[allow(unused_variables)]
                fn flatten<'__jacinth>(&'__jacinth self, out: &mut ::jacinth::tree::Flattener<'__jacinth>) {
                    match self { #(#flatten)* }
                }
                #[allow(unused_variables)]
                fn into_leaves(self, out: &mut ::jacinth::tree::Leaves) {
                    match self { #(#into_leaves)* }
                }
                fn unflatten(
                    from: &mut ::jacinth::tree::Unflattener<'_>,
                ) -> ::core::result::Result<Self, ::jacinth::tree::TreeError> {
                    let which = from.structure(&[#(#options),*])?;
                    ::core::result::Result::Ok(match which { #(#unflatten,)* })
                }
            }
        };
    })
}

impl Variant {
    fn pattern(&self) -> TokenStream {
        let constructor = &self.constructor;
        let members = self.fields.iter().map(|f| {
            let (member, binding) = (&f.member, &f.binding);
            quote!(#member: #binding)
        });
        quote!(#constructor { #(#members),* })
    }
}

fn plan(constructor: TokenStream, name: String, fields: &Fields) -> Result<Variant, Error> {
    let fields =
        fields.iter().enumerate().map(|(i, field)| plan_field(i, field)).collect::<Result<_, _>>()?;
    Ok(Variant { constructor, name, fields })
}

fn plan_field(i: usize, field: &Field) -> Result<FieldPlan, Error> {
    let mut is_static = false;
    for attr in field.attrs.iter().filter(|a| a.path().is_ident("pytree")) {
        // `static` is a keyword and no identifier, so the tokens are read as they are.
        let tokens = attr.meta.require_list()?.tokens.to_string();
        if tokens != "static" {
            return Err(Error::new(
                attr.span(),
                format!("unknown pytree attribute `{tokens}`: `#[pytree(static)]` is the one there is"),
            ));
        }
        is_static = true;
    }
    let (member, key) = match &field.ident {
        Some(ident) => {
            let text = ident.to_string();
            (ident.to_token_stream(), text.strip_prefix("r#").unwrap_or(&text).to_string())
        }
        None => (proc_macro2::Literal::usize_unsuffixed(i).to_token_stream(), i.to_string()),
    };
    Ok(FieldPlan {
        member,
        key,
        binding: format_ident!("field{i}"),
        is_static,
        is_phantom: is_phantom(&field.ty),
        ty: field.ty.to_token_stream(),
        span: field.ty.span(),
    })
}

/// A type parameter that a dynamic field names is a pytree; one that only static fields name is a static value.
fn bounds(input: &DeriveInput, variants: &[Variant]) -> TokenStream {
    let mut bounds = TokenStream::new();
    for param in &input.generics.params {
        let GenericParam::Type(param) = param else { continue };
        let ident = &param.ident;
        let named = |is_static: bool| {
            let mut fields = variants.iter().flat_map(|v| &v.fields);
            fields.any(|f| f.is_static == is_static && !f.is_phantom && mentions(f.ty.clone(), ident))
        };
        if named(false) {
            bounds.extend(quote!(#ident: ::jacinth::tree::Pytree,));
        } else {
            bounds.extend(quote!(#ident: 'static,));
        }
        if named(true) {
            bounds.extend(quote!(#ident: ::jacinth::tree::StaticValue,));
        }
    }
    bounds
}

fn is_phantom(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "PhantomData"))
}

fn mentions(tokens: TokenStream, ident: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(other) => other == *ident,
        TokenTree::Group(group) => mentions(group.stream(), ident),
        _ => false,
    })
}

fn reject_attributes(attrs: &[syn::Attribute], on: &str) -> Result<(), Error> {
    match attrs.iter().find(|a| a.path().is_ident("pytree")) {
        Some(attr) => {
            Err(Error::new(attr.span(), format!("`#[pytree(…)]` belongs on a field, and here it is on {on}")))
        }
        None => Ok(()),
    }
}

/// Points errors about a field's type at that type.
fn quote_at(span: Span, tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(token.span().resolved_at(Span::call_site()).located_at(span));
            token
        })
        .collect()
}
