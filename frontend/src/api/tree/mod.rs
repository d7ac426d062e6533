//! Pytrees: nested containers whose leaves are arrays, taken apart into leaves and structure and put together again.
//!
//! Owns the [`Pytree`] trait, the structure [`TreeDef`], the functions over trees and the prefix trees [`Axes`].
//! Invariants: leaves come in one fixed order (declaration order, and sorted keys for maps), the same for every way of
//! taking a tree apart; by reference nothing is cloned, by value every array is moved, so that an owner stays the only one.
//! Deliberately absent: Rust numbers as leaves; put them into an `Array`, or into the structure with [`Static`].

mod axes;
mod def;
mod impls;
mod subtree;

#[cfg(test)]
mod tests;

pub use axes::Axes;
pub use def::{Difference, DynStatic, Key, KeyPath, Node, NodeType, StaticValue, TreeDef, TreeError, keystr};
pub use impls::{MapKey, Static};
pub use subtree::{
    Subtree, broadcast, flatten_until, leaves_until, leaves_with_path_until, map_until, map_with_path_until,
    try_broadcast,
};

pub use super::flatten_util::ravel_pytree;

/// Derives [`Pytree`] for a struct or an enum; `#[pytree(static)]` puts a field into the structure.
///
/// Where the derive is used the crate `jacinth` must be in scope under its name.
///
/// ```standalone_crate
/// # extern crate jacinth_frontend as jacinth;
/// use jacinth::{Array, grad, tree::{self, Pytree}};
/// #[derive(Clone, Debug, Pytree)]
/// struct Dense {
///     w: Array,
///     b: Array,
///     #[pytree(static)]
///     activation: &'static str, // part of the structure: another value is traced anew
/// }
/// let layer = Dense { w: Array::from(2.0f32), b: Array::from(1.0f32), activation: "none" };
/// let slope: Dense = grad(|d: &Dense| &d.w * 3.0 + &d.b)(&layer);
/// assert_eq!((slope.w.item::<f32>(), slope.b.item::<f32>(), slope.activation), (3.0, 1.0, "none"));
/// assert_eq!(tree::leaves(&layer).len(), 2);
/// ```
pub use jacinth_macros::Pytree;

use crate::error::Error;
use crate::trace::Array;
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::Arc;
use subtree::refuse;

/// Leaves that were moved out of a tree.
pub type Leaves = SmallVec<[Array; 8]>;

/// A container of arrays that transformations can take apart and put together again.
///
/// Implemented for `Array` (a leaf), `()`, tuples up to 12, `Vec`, arrays, `Option` (`None` is an absent node), `Box`,
/// `BTreeMap` and `HashMap` with keys `String` or `&'static str` (sorted), [`Static`], `PhantomData`; derived for structs and enums.
/// No reference type implements it: arguments by reference and by value stay distinguishable.
///
/// ```
/// # use jacinth_frontend::{Array, tree::{self, Flattener, Leaves, Pytree, TreeError, Unflattener}};
/// // By hand, for a type that the derive cannot take: one array and what is computed from it.
/// struct Scaled { x: Array, norm: f32 }
/// impl Pytree for Scaled {
///     fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
///         out.leaf(&self.x);
///     }
///     fn into_leaves(self, out: &mut Leaves) {
///         out.push(self.x);
///     }
///     fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
///         Ok(Scaled { x: from.leaf()?, norm: 0.0 })
///     }
/// }
/// let twice = tree::map(&Scaled { x: Array::from(2.0f32), norm: 2.0 }, |x| x * 2.0);
/// assert_eq!((twice.x.item::<f32>(), twice.norm), (4.0, 0.0));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pytree",
    label = "not a pytree",
    note = "an array of a number is `Array::from(1.0)`; derive it for a struct with `#[derive(Pytree)]`; wrap a value that is no array in `Static`, or mark its field `#[pytree(static)]`",
    note = "a reference is no pytree: pass the value, or turn a function that takes both, such as `jnp::tanh`, into one that takes a reference, \
            `|x: &Array| jnp::tanh(x)`"
)]
pub trait Pytree: Sized + 'static {
    /// Hands structure and leaves over by reference, in preorder.
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>);
    /// Moves the leaves out, in the order of [`Pytree::flatten`].
    fn into_leaves(self, out: &mut Leaves);
    /// Puts a tree together from its structure and leaves.
    ///
    /// # Errors
    /// Where the structure is not one that this type has; the error names the path.
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError>;
}

/// Receives the nodes and leaves of a tree by reference, recording its structure or comparing it with a known one.
///
/// ```
/// # use jacinth_frontend::{Array, tree::{Flattener, Pytree}};
/// let tree = (Array::from(1.0f32), vec![Array::from(2.0f32)]);
/// let mut out = Flattener::new();
/// tree.flatten(&mut out);
/// let (leaves, def) = out.finish(); // by reference: nothing is cloned
/// assert_eq!((leaves.len(), def.to_string()), (2, "PyTreeDef((*, [*]))".to_owned()));
/// let mut again = Flattener::comparing(&def);
/// tree.flatten(&mut again);
/// assert!(again.matches() && again.leaves().len() == 2);
/// ```
#[derive(Debug)]
pub struct Flattener<'a> {
    leaves: SmallVec<[&'a Array; 8]>,
    shape: Shape<'a>,
}

#[derive(Debug)]
enum Shape<'a> {
    Record(Vec<Node>),
    Compare { nodes: &'a [Node], at: usize, same: bool },
    Ignore,
}

impl<'a> Flattener<'a> {
    /// Records the structure; take it with [`Flattener::finish`].
    pub fn new() -> Flattener<'a> {
        Flattener { leaves: SmallVec::new(), shape: Shape::Record(Vec::new()) }
    }

    /// Compares with `known` instead of recording: no allocation; ask with [`Flattener::matches`].
    pub fn comparing(known: &'a TreeDef) -> Flattener<'a> {
        Flattener {
            leaves: SmallVec::with_capacity(known.num_leaves()),
            shape: Shape::Compare { nodes: known.nodes(), at: 0, same: true },
        }
    }

    /// Collects the leaves only.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, tree::{Flattener, Pytree}};
    /// let (tree, mut out) = (vec![Array::from(1.0)], Flattener::leaves_only());
    /// tree.flatten(&mut out);
    /// assert_eq!((out.leaves().len(), out.matches()), (1, false));
    /// ```
    pub fn leaves_only() -> Flattener<'a> {
        Flattener { leaves: SmallVec::new(), shape: Shape::Ignore }
    }

    /// The leaves so far.
    pub fn leaves(&self) -> &[&'a Array] {
        &self.leaves
    }

    /// Whether all that was handed over is exactly the known structure. False where none is known.
    pub fn matches(&self) -> bool {
        matches!(&self.shape, Shape::Compare { nodes, at, same } if *same && *at == nodes.len())
    }

    /// The leaves, and the structure that was recorded (empty where none was).
    pub fn finish(self) -> (SmallVec<[&'a Array; 8]>, TreeDef) {
        let nodes = match self.shape {
            Shape::Record(nodes) => nodes,
            Shape::Compare { nodes, at, .. } => nodes[..at].to_vec(),
            Shape::Ignore => Vec::new(),
        };
        (self.leaves, TreeDef::from_nodes(nodes))
    }

    /// A leaf.
    #[inline]
    pub fn leaf(&mut self, array: &'a Array) {
        self.leaves.push(array);
        self.node(|| Node::Leaf, |known| matches!(known, Node::Leaf));
    }

    /// An absent node.
    pub fn none(&mut self) {
        self.node(|| Node::None, |known| matches!(known, Node::None));
    }

    /// A tuple; its `len` children follow.
    pub fn tuple(&mut self, len: usize) {
        self.node(|| Node::Tuple(len as u32), |known| matches!(known, Node::Tuple(n) if *n as usize == len));
    }

    /// A list; its `len` children follow.
    pub fn list(&mut self, len: usize) {
        self.node(|| Node::List(len as u32), |known| matches!(known, Node::List(n) if *n as usize == len));
    }

    /// A map with these sorted keys; their values follow.
    pub fn dict<'k>(&mut self, keys: impl ExactSizeIterator<Item = &'k str> + Clone) {
        let recorded = keys.clone();
        self.node(
            || Node::Dict(recorded.map(Box::from).collect()),
            |known| matches!(known, Node::Dict(k) if k.len() == keys.len() && keys.zip(k.iter()).all(|(a, b)| a == &**b)),
        );
    }

    /// A derived struct or variant; its fields follow.
    #[inline]
    pub fn structure(&mut self, node: &'static NodeType) {
        self.node(|| Node::Struct(node), |known| matches!(known, Node::Struct(n) if n.same(node)));
    }

    /// A value that is part of the structure.
    pub fn fixed<T: StaticValue>(&mut self, value: &T) {
        self.node(
            || Node::Static(Arc::new(value.clone())),
            |known| matches!(known, Node::Static(v) if (**v).as_any().downcast_ref::<T>() == Some(value)),
        );
    }

    /// A node of a structure; its children follow.
    fn replay(&mut self, node: &Node) {
        self.node(|| node.clone(), |known| known == node);
    }

    #[inline]
    fn node(&mut self, record: impl FnOnce() -> Node, is: impl FnOnce(&Node) -> bool) {
        match &mut self.shape {
            Shape::Record(nodes) => nodes.push(record()),
            Shape::Compare { nodes, at, same } => {
                *same = *same && nodes.get(*at).is_some_and(is);
                *at += *same as usize;
            }
            Shape::Ignore => {}
        }
    }
}

impl Default for Flattener<'_> {
    fn default() -> Self {
        Flattener::new()
    }
}

/// Gives structure and leaves back, in preorder, to a tree that is being put together.
///
/// ```
/// # use jacinth_frontend::{Array, tree::{self, Leaves, Pytree, Unflattener}};
/// let (leaves, def) = tree::flatten(&(Array::from(1.0f32), vec![Array::from(2.0f32)]));
/// let mut from = Unflattener::new(&def, Leaves::from_vec(leaves)).unwrap();
/// from.tuple(2).unwrap();
/// assert_eq!(from.leaf().unwrap().item::<f32>(), 1.0);
/// assert_eq!(Vec::<Array>::unflatten(&mut from).unwrap().len(), 1);
/// from.finish().unwrap();
/// ```
#[derive(Debug)]
pub struct Unflattener<'a> {
    nodes: &'a [Node],
    at: usize,
    leaves: smallvec::IntoIter<[Array; 8]>,
}

impl<'a> Unflattener<'a> {
    /// Starts with a structure and its leaves.
    ///
    /// # Errors
    /// Where the number of leaves is not the structure's.
    pub fn new(def: &'a TreeDef, leaves: Leaves) -> Result<Unflattener<'a>, TreeError> {
        if def.num_leaves() != leaves.len() {
            let (expected, found) = (def.num_leaves(), leaves.len());
            return Err(TreeError::LeafCount { structure: Box::new(def.clone()), expected, found });
        }
        Ok(Unflattener { nodes: def.nodes(), at: 0, leaves: leaves.into_iter() })
    }

    /// Takes a leaf.
    pub fn leaf(&mut self) -> Result<Array, TreeError> {
        match self.nodes.get(self.at) {
            Some(Node::Leaf) => {
                self.at += 1;
                Ok(self.leaves.next().expect("the leaves were counted"))
            }
            _ => Err(self.differs("a leaf")),
        }
    }

    /// Takes an absent node, if one comes next.
    pub fn none(&mut self) -> bool {
        let none = matches!(self.nodes.get(self.at), Some(Node::None));
        self.at += none as usize;
        none
    }

    /// Takes a tuple of `len`; its children follow.
    pub fn tuple(&mut self, len: usize) -> Result<(), TreeError> {
        match self.nodes.get(self.at) {
            Some(Node::Tuple(n)) if *n as usize == len => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.differs(&format!("a tuple of {len}"))),
        }
    }

    /// Takes a list of any length; its children follow.
    pub fn list(&mut self) -> Result<usize, TreeError> {
        match self.nodes.get(self.at) {
            Some(Node::List(n)) => {
                self.at += 1;
                Ok(*n as usize)
            }
            _ => Err(self.differs("a list")),
        }
    }

    /// Takes a list of `len`; its children follow.
    pub fn list_of(&mut self, len: usize) -> Result<(), TreeError> {
        match self.nodes.get(self.at) {
            Some(Node::List(n)) if *n as usize == len => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.differs(&format!("a list of {len}"))),
        }
    }

    /// Takes a map; the values of its sorted keys follow.
    pub fn dict(&mut self) -> Result<Arc<[Box<str>]>, TreeError> {
        match self.nodes.get(self.at) {
            Some(Node::Dict(keys)) => {
                self.at += 1;
                Ok(keys.clone())
            }
            _ => Err(self.differs("a dict")),
        }
    }

    /// Takes a derived struct or variant, one of `options`, and says which; its fields follow.
    pub fn structure(&mut self, options: &[&'static NodeType]) -> Result<usize, TreeError> {
        if let Some(Node::Struct(node)) = self.nodes.get(self.at)
            && let Some(which) = options.iter().position(|o| o.same(node))
        {
            self.at += 1;
            return Ok(which);
        }
        let names: Vec<&str> = options.iter().map(|o| o.name).collect();
        Err(self.differs(&names.join(" or ")))
    }

    /// Takes a value that is part of the structure.
    pub fn fixed<T: StaticValue>(&mut self) -> Result<T, TreeError> {
        if let Some(Node::Static(value)) = self.nodes.get(self.at)
            && let Some(value) = (**value).as_any().downcast_ref::<T>()
        {
            self.at += 1;
            return Ok(value.clone());
        }
        Err(self.differs(&format!("a static value of type {}", std::any::type_name::<T>())))
    }

    /// Takes whatever comes next: its structure and leaves.
    pub(crate) fn subtree(&mut self) -> Result<(TreeDef, Vec<Array>), TreeError> {
        if self.at == self.nodes.len() {
            return Err(self.differs("a tree"));
        }
        let end = def::subtree_end(self.nodes, self.at);
        let def = TreeDef::from_nodes(self.nodes[self.at..end].to_vec());
        self.at = end;
        let leaves = self.leaves.by_ref().take(def.num_leaves()).collect();
        Ok((def, leaves))
    }

    /// Checks that nothing is left over.
    pub fn finish(self) -> Result<(), TreeError> {
        if self.at == self.nodes.len() { Ok(()) } else { Err(self.differs("nothing")) }
    }

    fn differs(&self, expected: &str) -> TreeError {
        TreeError::Differ {
            path: def::path_at(self.nodes, self.at),
            expected: expected.into(),
            found: self.nodes.get(self.at).map_or_else(|| "nothing".into(), Node::describe),
        }
    }
}

/// The leaves of a tree.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let params = vec![(Array::from(1.0f32), Array::from(2.0f32)), (Array::from(3.0f32), Array::from(4.0f32))];
/// assert_eq!(tree::leaves(&params).iter().map(|x| x.item::<f32>()).sum::<f32>(), 10.0);
/// ```
pub fn leaves<T: Pytree>(tree: &T) -> Vec<Array> {
    borrow(tree).into_iter().cloned().collect()
}

/// The leaves and the structure of a tree.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let (leaves, def) = tree::flatten(&(Array::from(1.0), vec![Array::from(2.0), Array::from(3.0)]));
/// assert_eq!((leaves.len(), def.to_string()), (3, "PyTreeDef((*, [*, *]))".to_owned()));
/// ```
pub fn flatten<T: Pytree>(tree: &T) -> (Vec<Array>, TreeDef) {
    let (leaves, def) = flatten_ref(tree);
    (leaves.into_iter().cloned().collect(), def)
}

/// The structure of a tree.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// assert_eq!(tree::structure(&(Array::from(1.0), None::<Array>)).to_string(), "PyTreeDef((*, None))");
/// ```
pub fn structure<T: Pytree>(tree: &T) -> TreeDef {
    flatten_ref(tree).1
}

/// Puts a tree together from its structure and leaves.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let (leaves, def) = tree::flatten(&(Array::from(1.0f32), Array::from(2.0f32)));
/// let (a, b): (Array, Array) = tree::unflatten(&def, leaves.into_iter().rev());
/// assert_eq!((a.item::<f32>(), b.item::<f32>()), (2.0, 1.0));
/// ```
///
/// # Panics
/// Where [`try_unflatten`] errs.
#[track_caller]
pub fn unflatten<T: Pytree>(def: &TreeDef, leaves: impl IntoIterator<Item = Array>) -> T {
    let at = Location::caller();
    try_unflatten(def, leaves).unwrap_or_else(|e| refuse("tree::unflatten", e, at))
}

/// Puts a tree together from its structure and leaves.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let (leaves, def) = tree::flatten(&(Array::from(1.0), Array::from(2.0)));
/// let error = tree::try_unflatten::<Vec<Array>>(&def, leaves).unwrap_err();
/// assert_eq!(error.to_string(), "pytree structures differ at the root: expected a list, found a tuple of 2");
/// ```
///
/// # Errors
/// Where the structure is not one of `T`'s, or the number of leaves is another.
pub fn try_unflatten<T: Pytree>(
    def: &TreeDef,
    leaves: impl IntoIterator<Item = Array>,
) -> Result<T, TreeError> {
    from_leaves(def, leaves.into_iter().collect())
}

/// As [`try_unflatten`], of leaves that were moved out of a tree.
pub(crate) fn from_leaves<T: Pytree>(def: &TreeDef, leaves: Leaves) -> Result<T, TreeError> {
    let mut from = Unflattener::new(def, leaves)?;
    let tree = T::unflatten(&mut from)?;
    from.finish()?;
    Ok(tree)
}

/// A tree of the same structure with `f` applied to every leaf.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let params = (Array::from([1.0f32, 2.0]), vec![Array::from(3.0f32)]);
/// let halved = tree::map(&params, |x| x * 0.5);
/// assert_eq!(halved.1[0].item::<f32>(), 1.5);
/// ```
#[track_caller]
pub fn map<T: Pytree>(tree: &T, f: impl FnMut(&Array) -> Array) -> T {
    let (leaves, def) = flatten_ref(tree);
    rebuild(&def, leaves.into_iter().map(f).collect())
}

/// Applies `f` to the corresponding leaves of two trees; the result has the structure of the first.
///
/// ```
/// # use jacinth_frontend::{Array, grad, tree};
/// let loss = |p: &(Array, Array)| &p.0 * 3.0 + p.1.square();
/// let params = (Array::from(1.0f32), Array::from(2.0f32));
/// let params = tree::map2(&params, &grad(loss)(&params), |p, g| p - g * 0.5); // a step of descent
/// assert_eq!((params.0.item::<f32>(), params.1.item::<f32>()), (-0.5, 0.0));
/// ```
///
/// # Panics
/// Where the structures differ; the message names the path. [`try_map2`] returns it as an error.
#[track_caller]
pub fn map2<T: Pytree, U: Pytree>(a: &T, b: &U, f: impl FnMut(&Array, &Array) -> Array) -> T {
    let at = Location::caller();
    try_map2(a, b, f).unwrap_or_else(|e| refuse("tree::map2", e, at))
}

/// As [`map2`].
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let (one, none) = (vec![Array::from(1.0)], Vec::<Array>::new());
/// let error = tree::try_map2(&one, &none, |a, b| a + b).unwrap_err();
/// assert!(error.to_string().contains("expected a list of 1, found a list of 0"));
/// ```
///
/// # Errors
/// Where the structures differ; the error names the path.
pub fn try_map2<T: Pytree, U: Pytree>(
    a: &T,
    b: &U,
    mut f: impl FnMut(&Array, &Array) -> Array,
) -> Result<T, TreeError> {
    let (a, def) = flatten_ref(a);
    let (b, found) = flatten_ref(b);
    def.expect(&found)?;
    try_unflatten(&def, a.iter().zip(b.iter()).map(|(a, b)| f(a, b)).collect::<Leaves>())
}

/// Applies `f` to the corresponding leaves of three trees; the result has the structure of the first.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let x = vec![Array::from(1.0f32), Array::from(2.0f32)];
/// let sums = tree::map3(&x, &x, &x, |a, b, c| a + b + c);
/// assert_eq!(sums[1].item::<f32>(), 6.0);
/// ```
///
/// # Panics
/// Where the structures differ; the message names the path.
#[track_caller]
pub fn map3<T: Pytree, U: Pytree, V: Pytree>(
    a: &T,
    b: &U,
    c: &V,
    mut f: impl FnMut(&Array, &Array, &Array) -> Array,
) -> T {
    let (a, def) = flatten_ref(a);
    let (b, b_def) = flatten_ref(b);
    let (c, c_def) = flatten_ref(c);
    if let Err(e) = def.expect(&b_def).and_then(|()| def.expect(&c_def)) {
        refuse("tree::map3", e, Location::caller());
    }
    rebuild(&def, (0..a.len()).map(|i| f(a[i], b[i], c[i])).collect())
}

/// Folds the leaves from the first to the last, starting with `init`.
///
/// ```
/// # use jacinth_frontend::{numpy as jnp, tree};
/// let params = (jnp::zeros([3, 4]), vec![jnp::zeros([4])]);
/// assert_eq!(tree::reduce(&params, 0, |count, x| count + x.size()), 16); // how many parameters
/// ```
pub fn reduce<T: Pytree, B>(tree: &T, init: B, f: impl FnMut(B, &Array) -> B) -> B {
    borrow(tree).into_iter().fold(init, f)
}

/// The leaves brought together by an associative function, neighbours first: of `n` leaves in a depth of `log₂ n`. A tree without leaves
/// gives `identity`.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let x: Vec<Array> = (1..=4).map(Array::from).collect();
/// assert_eq!(tree::reduce_associative(&x, |a, b| a * b, None).item::<i32>(), 24); // (1·2)·(3·4)
/// ```
///
/// # Panics
/// If there is neither a leaf nor an identity.
#[track_caller]
pub fn reduce_associative<T: Pytree>(
    tree: &T,
    mut f: impl FnMut(&Array, &Array) -> Array,
    identity: Option<Array>,
) -> Array {
    let mut leaves = leaves(tree);
    while leaves.len() > 1 {
        let pair = |pair: &[Array]| if let [a, b] = pair { f(a, b) } else { pair[0].clone() };
        leaves = leaves.chunks(2).map(pair).collect();
    }
    leaves.pop().or(identity).unwrap_or_else(|| {
        Error::argument("tree::reduce_associative: a tree without leaves needs an identity".to_owned())
            .raise()
    })
}

/// Whether every leaf satisfies `f`; true of a tree without leaves.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp, tree};
/// let params = vec![Array::from([1.0f32, 2.0]), Array::from([f32::NAN])];
/// assert!(!tree::all(&params, |x| jnp::isfinite(x).all().item()));
/// ```
pub fn all<T: Pytree>(tree: &T, f: impl FnMut(&Array) -> bool) -> bool {
    borrow(tree).into_iter().all(f)
}

/// Whether a leaf satisfies `f`; false of a tree without leaves.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// assert!(tree::any(&(Array::from(1.0), Array::from([1.0])), |x| x.ndim() > 0));
/// ```
pub fn any<T: Pytree>(tree: &T, f: impl FnMut(&Array) -> bool) -> bool {
    borrow(tree).into_iter().any(f)
}

/// The leaves of a tree, each with its key path.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let leaves = tree::leaves_with_path(&(Array::from(1.0f32), vec![Array::from(2.0f32)]));
/// assert_eq!((tree::keystr(&leaves[1].0), leaves[1].1.item::<f32>()), ("[1][0]".to_owned(), 2.0));
/// ```
pub fn leaves_with_path<T: Pytree>(tree: &T) -> Vec<(KeyPath, Array)> {
    flatten_with_path(tree).0
}

/// The leaves of a tree, each with its key path; and its structure.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let (leaves, def) = tree::flatten_with_path(&vec![Array::from(1.0)]);
/// assert_eq!((leaves.len(), def.num_leaves()), (1, 1));
/// ```
pub fn flatten_with_path<T: Pytree>(tree: &T) -> (Vec<(KeyPath, Array)>, TreeDef) {
    let (leaves, def) = flatten(tree);
    (def.paths().into_iter().zip(leaves).collect(), def)
}

/// A tree of the same structure with `f` applied to every leaf and its key path.
///
/// ```
/// # use jacinth_frontend::{Array, tree::{self, Key}};
/// let params = (Array::from(1.0f32), Array::from(2.0f32));
/// let frozen = tree::map_with_path(&params, |path, x| if path[0] == Key::Sequence(0) { x * 0.0 } else { x.clone() });
/// assert_eq!((frozen.0.item::<f32>(), frozen.1.item::<f32>()), (0.0, 2.0));
/// ```
#[track_caller]
pub fn map_with_path<T: Pytree>(tree: &T, mut f: impl FnMut(&[Key], &Array) -> Array) -> T {
    let (leaves, def) = flatten_ref(tree);
    rebuild(&def, def.paths().iter().zip(leaves).map(|(path, leaf)| f(path, leaf)).collect())
}

/// Turns a tree of trees inside out: of structure `outer` ∘ `inner` into one of `inner` ∘ `outer`.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let x = Array::from(1.0f32);
/// let pairs = vec![(x.clone(), &x * 2.0), (&x * 3.0, &x * 4.0)]; // a list of pairs
/// let (outer, inner) = (tree::structure(&vec![x.clone(), x.clone()]), tree::structure(&pairs[0]));
/// let (firsts, _): (Vec<Array>, Vec<Array>) = tree::transpose(&outer, &inner, &pairs); // a pair of lists
/// assert_eq!(firsts[1].item::<f32>(), 3.0);
/// ```
///
/// # Panics
/// Where `tree` does not have the structure `outer.compose(inner)`, or `U` not the one inside out.
#[track_caller]
pub fn transpose<T: Pytree, U: Pytree>(outer: &TreeDef, inner: &TreeDef, tree: &T) -> U {
    let (leaves, def) = flatten_ref(tree);
    if let Err(e) = outer.compose(inner).expect(&def) {
        refuse("tree::transpose", e, Location::caller());
    }
    let (n, m) = (outer.num_leaves(), inner.num_leaves());
    let leaves = (0..m).flat_map(|j| (0..n).map(move |i| i * m + j)).map(|i| leaves[i].clone());
    rebuild(&inner.compose(outer), leaves.collect())
}

/// The leaves of a tree by reference, and its structure.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// let tree = (Array::from(1.0f32), Array::from(2.0f32));
/// let (leaves, _) = tree::flatten_ref(&tree);
/// assert!(std::ptr::eq(leaves[0], &tree.0));
/// ```
pub fn flatten_ref<T: Pytree>(tree: &T) -> (SmallVec<[&Array; 8]>, TreeDef) {
    let mut out = Flattener::new();
    tree.flatten(&mut out);
    out.finish()
}

fn borrow<T: Pytree>(tree: &T) -> SmallVec<[&Array; 8]> {
    let mut out = Flattener::leaves_only();
    tree.flatten(&mut out);
    out.leaves
}

#[track_caller]
fn rebuild<T: Pytree>(def: &TreeDef, leaves: Leaves) -> T {
    let at = Location::caller();
    try_unflatten(def, leaves).unwrap_or_else(|e| refuse("tree", e, at))
}
