//! Reading the short form that an operation has of its own.
//!
//! Each form here has its writer of the same name in `write`.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::attributes::Types;
use super::parser::{Parser, unknown};
use crate::attribute::{Attribute, Attributes};
use crate::module::{Operation, Values};
use crate::ops::constant::{Constant, Iota};
use crate::ops::elementwise::{Binary, Clamp, Compare, CompareType, Convert, Direction, Select, Unary};
use crate::ops::shape::{BroadcastInDim, Reshape};
use crate::ops::{OpDef, control};
use crate::{ElementType, Error, Op, Result, TensorType, Type};

/// Reads an operation that begins with its bare name.
pub(super) fn parse(p: &mut Parser<'_>) -> Result<Operation> {
    let start = p.r.c.pos();
    let name = p.r.c.need_word("an operation")?;
    match FORMS.get(name) {
        Some(Form::SameType(op)) => same_type(p, op.clone()),
        Some(Form::Arrow(op)) => arrow(p, op.clone(), Attributes::new()),
        Some(Form::Own(form)) => form(p, start),
        Some(Form::Keywords(words)) => keywords(p, name, words, start),
        None => {
            let error = match Op::from_attributes(name, &mut Attributes::new()) {
                Ok(None) => unknown(name),
                _ => Error::unsupported(format!("{name} has no short form: its name must stand in quotes")),
            };
            Err(p.r.c.error_at(start, error))
        }
    }
}

/// Reads what follows the name of an operation that began at that position.
type OwnForm = fn(&mut Parser<'_>, usize) -> Result<Operation>;

/// How an operation's short form goes on after the name.
enum Form {
    /// Operands and the one type of all.
    SameType(Op),
    /// Operands, their types, an arrow and the result's.
    Arrow(Op),
    /// Operands, and words with values.
    Keywords(&'static [Keyword]),
    /// As only this operation is written.
    Own(OwnForm),
}

/// The short form of each operation that has one.
static FORMS: LazyLock<FxHashMap<&str, Form>> = LazyLock::new(|| {
    let own: [(&str, OwnForm); 20] = [
        ("call", call),
        ("chlo.scan", scan),
        ("chlo.top_k", top_k),
        ("func.call", call),
        ("stablehlo.broadcast_in_dim", broadcast_in_dim),
        ("stablehlo.compare", compare),
        ("stablehlo.composite", composite),
        ("stablehlo.constant", constant),
        ("stablehlo.convolution", convolution),
        ("stablehlo.custom_call", custom_call),
        ("stablehlo.dot_general", dot_general),
        ("stablehlo.get_tuple_element", get_tuple_element),
        ("stablehlo.iota", iota),
        ("stablehlo.optimization_barrier", optimization_barrier),
        ("stablehlo.reduce", reduce),
        ("stablehlo.reduce_precision", reduce_precision),
        ("stablehlo.select", select),
        ("stablehlo.slice", slice),
        ("stablehlo.tuple", tuple),
        ("stablehlo.while", while_loop),
    ];
    let same_type: [(&str, Op); 5] = [
        ("stablehlo.after_all", control::AfterAll.into()),
        ("stablehlo.clamp", Clamp.into()),
        ("stablehlo.convert", Convert.into()),
        ("stablehlo.create_token", control::CreateToken.into()),
        ("stablehlo.reshape", Reshape.into()),
    ];
    let unary = Unary::TABLE.iter().map(|&(op, name)| (name, Op::from(op)));
    let elementwise = unary.chain(Binary::TABLE.iter().map(|&(op, name)| (name, op.into())));
    let elementwise = elementwise.map(|(name, op)| match name.starts_with("chlo.") {
        true => (name, Form::Arrow(op)),
        false => (name, Form::SameType(op)),
    });
    elementwise
        .chain([("chlo.tan", Form::Arrow(Unary::Tan.into()))])
        .chain(same_type.map(|(name, op)| (name, Form::SameType(op))))
        .chain(KEYWORDS.iter().map(|&(name, words)| (name, Form::Keywords(words))))
        .chain(own.map(|(name, form)| (name, Form::Own(form))))
        .collect()
});

/// `%a, %b {attributes} : T` where all types are `T`, or `: (T, T) -> T`.
fn same_type(p: &mut Parser<'_>, op: Op) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    let extra = p.r.optional_dict()?;
    p.r.c.expect(":")?;
    if p.r.c.peek() == b'(' {
        return functional(p, op, operands, extra, pos);
    }
    let ty = p.r.ty()?;
    let input = match (&op, &ty) {
        (Op::Binary(Binary::Complex), Type::Tensor(ty)) => Type::Tensor(ty.with_element(ty.element.real())),
        _ => ty.clone(),
    };
    match operands.iter().find(|&&v| *p.ty(v) != input) {
        None => Ok(p.finish(op, operands, Vec::new(), [ty], extra)),
        Some(&v) => {
            let error = format!("an operand is of type {}, but {input} is written for it", p.ty(v));
            Err(p.r.c.error_at(pos, Error::parse(error)))
        }
    }
}

/// `(T, T) -> T` after the colon.
fn functional(
    p: &mut Parser<'_>,
    op: Op,
    operands: Values,
    extra: Attributes,
    pos: usize,
) -> Result<Operation> {
    let (inputs, outputs) = p.r.functional_type()?;
    p.check_types(&operands, &inputs, pos)?;
    Ok(p.finish(op, operands, Vec::new(), outputs, extra))
}

/// `: T, T -> T`, as CHLO writes it.
fn arrow(p: &mut Parser<'_>, op: Op, extra: Attributes) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    let mut attributes = p.r.optional_dict()?;
    attributes.0.extend(extra.0);
    p.r.c.expect(":")?;
    if p.r.c.peek() == b'(' {
        return functional(p, op, operands, attributes, pos);
    }
    let inputs = p.types()?;
    p.check_types(&operands, &inputs, pos)?;
    p.r.c.expect("->")?;
    let output = p.r.ty()?;
    Ok(p.finish(op, operands, Vec::new(), [output], attributes))
}

/// `dense<…> : T`.
fn constant(p: &mut Parser<'_>, _: usize) -> Result<Operation> {
    let mut extra = p.r.optional_dict()?;
    if p.r.c.peek() == b':' {
        let pos = p.r.c.pos();
        let op = p.op("stablehlo.constant", &mut extra, pos)?;
        p.r.c.expect(":")?;
        let ty = p.r.ty()?;
        return Ok(p.finish(op, Values::new(), Vec::new(), [ty], extra));
    }
    if p.r.c.eat("(") {
        p.r.c.expect(")")?;
        extra.0.extend(p.r.optional_dict()?.0);
        let pos = p.r.c.pos();
        let op = p.op("stablehlo.constant", &mut extra, pos)?;
        p.r.c.expect(":")?;
        return functional(p, op, Values::new(), extra, pos);
    }
    let value = p.r.dense_literal()?;
    let ty = value.ty().clone().into();
    Ok(p.finish(Constant { value }.into(), Values::new(), Vec::new(), [ty], extra))
}

/// `dim = 0 : T`.
fn iota(p: &mut Parser<'_>, _: usize) -> Result<Operation> {
    p.r.c.expect_word("dim")?;
    p.r.c.expect("=")?;
    let iota_dimension = p.r.c.int()?;
    let extra = p.r.optional_dict()?;
    p.r.c.expect(":")?;
    let ty = p.r.ty()?;
    Ok(p.finish(Iota { iota_dimension }.into(), Values::new(), Vec::new(), [ty], extra))
}

/// `LT, %a, %b, FLOAT : (T, T) -> T`.
fn compare(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    let word = p.r.c.need_word("a comparison direction")?;
    let direction = Direction::from_name(word).ok_or_else(|| {
        p.r.c.error_at(start, Error::parse(format!("compare: {word} is not a comparison direction")))
    })?;
    p.r.c.expect(",")?;
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    let compare_type = match p.r.c.eat(",") {
        false => None,
        true => match p.r.c.need_word("a comparison type")? {
            "NOTYPE" => None,
            word => Some(CompareType::from_name(word).ok_or_else(|| {
                p.r.c.error_at(start, Error::parse(format!("compare: {word} is not a comparison type")))
            })?),
        },
    };
    let extra = p.r.optional_dict()?;
    p.r.c.expect(":")?;
    functional(p, Compare { direction, compare_type }.into(), operands, extra, pos)
}

/// `%p, %a, %b : P, T`, or with the functional type.
fn select(p: &mut Parser<'_>, _: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    let extra = p.r.optional_dict()?;
    p.r.c.expect(":")?;
    if p.r.c.peek() == b'(' {
        return functional(p, Select.into(), operands, extra, pos);
    }
    let pred = p.r.ty()?;
    p.r.c.expect(",")?;
    let ty = p.r.ty()?;
    p.check_types(&operands, &[pred, ty.clone(), ty.clone()], pos)?;
    Ok(p.finish(Select.into(), operands, Vec::new(), [ty], extra))
}

/// `%a, dims = [0] : (T) -> T`.
fn broadcast_in_dim(p: &mut Parser<'_>, _: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    p.r.c.expect(",")?;
    p.r.c.expect_word("dims")?;
    p.r.c.expect("=")?;
    let broadcast_dimensions = p.r.c.ints()?;
    let extra = p.r.optional_dict()?;
    p.r.c.expect(":")?;
    functional(p, BroadcastInDim { broadcast_dimensions }.into(), operands, extra, pos)
}

/// `%a [0:4, 0:8:2] : (T) -> T`.
fn slice(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    let ranges: Vec<(i64, i64, i64)> = p.r.c.list("[", "]", |c| {
        let start = c.int()?;
        c.expect(":")?;
        let limit = c.int()?;
        let stride = if c.eat(":") { c.int()? } else { 1 };
        Ok((start, limit, stride))
    })?;
    let mut attributes = p.r.optional_dict()?;
    let column =
        |of: fn(&(i64, i64, i64)) -> i64| Attribute::list(&ranges.iter().map(of).collect::<Vec<_>>());
    attributes.set("start_indices", column(|r| r.0));
    attributes.set("limit_indices", column(|r| r.1));
    attributes.set("strides", column(|r| r.2));
    rest(p, "stablehlo.slice", operands, attributes, start, pos)
}

/// The operation of that name, `: ` and its functional type, or the one type of its result and operands.
fn rest(
    p: &mut Parser<'_>,
    name: &str,
    operands: Values,
    mut attributes: Attributes,
    start: usize,
    pos: usize,
) -> Result<Operation> {
    let op = p.op(name, &mut attributes, start)?;
    p.r.c.expect(":")?;
    if p.r.c.peek() == b'(' {
        return functional(p, op, operands, attributes, pos);
    }
    let ty = p.r.ty()?;
    let types: Vec<Type> = operands.iter().map(|_| ty.clone()).collect();
    p.check_types(&operands, &types, pos)?;
    Ok(p.finish(op, operands, Vec::new(), [ty], attributes))
}

/// A word of a short form, the attribute it stands for, and how its value is written.
type Keyword = (&'static str, &'static str, Value);

/// The words of each operation's short form.
const KEYWORDS: &[(&str, &[Keyword])] = &[
    ("stablehlo.bitcast_convert", &[]),
    ("stablehlo.cholesky", &[("lower", "lower", Value::Any)]),
    ("stablehlo.concatenate", &[("dim", "dimension", Value::Any)]),
    ("stablehlo.dynamic_broadcast_in_dim", &[("dims", "broadcast_dimensions", Value::Any)]),
    ("stablehlo.dynamic_iota", &[("dim", "iota_dimension", Value::Any)]),
    ("stablehlo.dynamic_pad", &[]),
    ("stablehlo.dynamic_reshape", &[]),
    ("stablehlo.dynamic_slice", &[("sizes", "slice_sizes", Value::Any)]),
    ("stablehlo.dynamic_update_slice", &[]),
    ("stablehlo.fft", &[("type", "fft_type", Value::Enum("fft_type")), ("length", "fft_length", Value::Any)]),
    ("stablehlo.get_dimension_size", &[("dim", "dimension", Value::Any)]),
    (
        "stablehlo.pad",
        &[
            ("low", "edge_padding_low", Value::Any),
            ("high", "edge_padding_high", Value::Any),
            ("interior", "interior_padding", Value::Any),
        ],
    ),
    ("stablehlo.partition_id", &[]),
    ("stablehlo.replica_id", &[]),
    ("stablehlo.reverse", &[("dims", "dimensions", Value::Any)]),
    ("stablehlo.rng", &[("distribution", "rng_distribution", Value::Enum("rng_distribution"))]),
    ("stablehlo.rng_bit_generator", &[("algorithm", "rng_algorithm", Value::Enum("rng_algorithm"))]),
    ("stablehlo.set_dimension_size", &[("dim", "dimension", Value::Any)]),
    ("stablehlo.transpose", &[("dims", "permutation", Value::Any)]),
];

#[derive(Clone, Copy)]
enum Value {
    /// An integer, a list of integers, or a boolean.
    Any,
    /// The bare value of an enumeration.
    Enum(&'static str),
}

/// `%a, %b, word = value, … {attributes} : type`.
fn keywords(p: &mut Parser<'_>, name: &str, words: &[Keyword], start: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    let mut attributes = Attributes::new();
    for (i, (word, attribute, value)) in words.iter().enumerate() {
        // What is left out is an attribute with a default, or the operation says that it is missing.
        if (!operands.is_empty() || i > 0) && !p.r.c.eat(",") {
            break;
        }
        p.r.c.expect_word(word)?;
        p.r.c.expect("=")?;
        let value = match value {
            Value::Any => match p.r.c.peek() {
                b'[' => Attribute::ints(&p.r.c.ints()?),
                b't' | b'f' => p.r.attribute()?,
                _ => Attribute::int(p.r.c.int()?),
            },
            Value::Enum(name) => Attribute::enumeration(name, p.r.c.need_word("a value")?),
        };
        attributes.set(*attribute, value);
    }
    attributes.0.extend(p.r.optional_dict()?.0);
    rest(p, name, operands, attributes, start, pos)
}

/// `%a, format = e5m10 : T`.
fn reduce_precision(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    p.r.c.expect(",")?;
    p.r.c.expect_word("format")?;
    p.r.c.expect("=")?;
    let at = p.r.c.pos();
    let format = p.r.c.need_word("a format such as e5m10")?;
    let bits = format.strip_prefix('e').and_then(|rest| rest.split_once('m'));
    let bits = bits.and_then(|(e, m)| Some((e.parse::<i32>().ok()?, m.parse::<i32>().ok()?)));
    let Some((exponent, mantissa)) = bits else {
        return Err(p.r.c.error_at(at, Error::parse(format!("'{format}' is not a format such as e5m10"))));
    };
    let mut attributes = p.r.optional_dict()?;
    attributes.set("exponent_bits", Attribute::Int(exponent.into(), ElementType::I32));
    attributes.set("mantissa_bits", Attribute::Int(mantissa.into(), ElementType::I32));
    rest(p, "stablehlo.reduce_precision", operands, attributes, start, pos)
}

/// `%a, %b, batching_dims = [0] x [0], contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT], algorithm = <…> : type`.
fn dot_general(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    let (mut attributes, mut numbers) = (Attributes::new(), Attributes::new());
    while p.r.c.eat(",") {
        let at = p.r.c.pos();
        let word = p.r.c.need_word("a word")?;
        p.r.c.expect("=")?;
        match word {
            "batching_dims" | "contracting_dims" => {
                let kind = if word == "batching_dims" { "batching" } else { "contracting" };
                let lhs = p.r.c.ints()?;
                p.r.c.expect_word("x")?;
                let rhs = p.r.c.ints()?;
                numbers.set(format!("lhs_{kind}_dimensions"), Attribute::list(&lhs));
                numbers.set(format!("rhs_{kind}_dimensions"), Attribute::list(&rhs));
            }
            "precision" => attributes.set("precision_config", precision(p)?),
            "algorithm" => {
                let fields = p.r.fields()?;
                attributes.set("algorithm", Attribute::Struct("dot_algorithm".into(), fields));
            }
            _ => {
                let message = format!("dot_general: unexpected '{word}'");
                return Err(p.r.c.error_at(at, Error::parse(message)));
            }
        }
    }
    attributes.set("dot_dimension_numbers", Attribute::Struct("dot".into(), numbers));
    attributes.0.extend(p.r.optional_dict()?.0);
    rest(p, "stablehlo.dot_general", operands, attributes, start, pos)
}

/// `[DEFAULT, HIGHEST]`.
fn precision(p: &mut Parser<'_>) -> Result<Attribute> {
    let each = |c: &mut super::cursor::Cursor<'_>| {
        Ok(Attribute::enumeration("precision", c.need_word("a precision")?))
    };
    Ok(Attribute::Array(p.r.c.list("[", "]", each)?))
}

/// `(%a, %b) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = [1], …} {attributes} : type`.
fn convolution(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    p.r.c.expect("(")?;
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    p.r.c.expect(")")?;
    p.r.c.expect_word("dim_numbers")?;
    p.r.c.expect("=")?;
    let numbers = p.r.conv_dimensions()?;
    p.r.c.expect(",")?;
    p.r.c.expect_word("window")?;
    p.r.c.expect("=")?;
    let mut attributes = Attributes::new();
    p.r.c.expect("{")?;
    let mut first = true;
    while !p.r.c.eat("}") {
        if !std::mem::take(&mut first) {
            p.r.c.expect(",")?;
        }
        let at = p.r.c.pos();
        let word = p.r.c.need_word("a word")?;
        p.r.c.expect("=")?;
        let name = match word {
            "stride" => "window_strides",
            "pad" => "padding",
            "lhs_dilate" => "lhs_dilation",
            "rhs_dilate" => "rhs_dilation",
            "reverse" => "window_reversal",
            _ => return Err(p.r.c.error_at(at, Error::parse(format!("convolution: unexpected '{word}'")))),
        };
        let value = match word {
            "pad" => {
                let pairs: Vec<(i64, i64)> = p.r.c.list("[", "]", |c| {
                    c.expect("[")?;
                    let low = c.int()?;
                    c.expect(",")?;
                    let high = c.int()?;
                    c.expect("]")?;
                    Ok((low, high))
                })?;
                Attribute::pairs(&pairs)
            }
            _ => p.r.attribute()?,
        };
        attributes.set(name, value);
    }
    attributes.set("dimension_numbers", Attribute::Conv(numbers));
    attributes.0.extend(p.r.optional_dict()?.0);
    rest(p, "stablehlo.convolution", operands, attributes, start, pos)
}

/// `@target(%a, %b) {attributes} : type`.
fn custom_call(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    let target = p.r.c.symbol()?;
    p.r.c.expect("(")?;
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    p.r.c.expect(")")?;
    let mut attributes = p.r.optional_dict()?;
    attributes.set("call_target_name", Attribute::String(target));
    rest(p, "stablehlo.custom_call", operands, attributes, start, pos)
}

/// `"name" %a, %b {attributes} : type`.
fn composite(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    let name = p.r.c.string()?;
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    let mut attributes = p.r.optional_dict()?;
    attributes.set("name", Attribute::String(name));
    rest(p, "stablehlo.composite", operands, attributes, start, pos)
}

/// `%a[0] : (tuple<…>) -> T`.
fn get_tuple_element(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = Values::from_slice(&[p.operand()?]);
    p.r.c.expect("[")?;
    let index = p.r.c.int()?;
    p.r.c.expect("]")?;
    let mut attributes = p.r.optional_dict()?;
    attributes.set("index", Attribute::Int(index, ElementType::I32));
    rest(p, "stablehlo.get_tuple_element", operands, attributes, start, pos)
}

/// `%a, %b : T, T`, or `()`.
fn optimization_barrier(p: &mut Parser<'_>, _: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    if p.r.c.eat("(") {
        p.r.c.expect(")")?;
    }
    let operands = p.operands()?;
    let extra = p.r.optional_dict()?;
    let mut types = Types::new();
    if p.r.c.eat(":") && !operands.is_empty() {
        if p.r.c.peek() == b'(' {
            return functional(p, control::OptimizationBarrier.into(), operands, extra, pos);
        }
        types = p.types()?;
    }
    p.check_types(&operands, &types, pos)?;
    Ok(p.finish(control::OptimizationBarrier.into(), operands, Vec::new(), types, extra))
}

/// `%a, %b : tuple<T, T>`.
fn tuple(p: &mut Parser<'_>, _: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    let extra = p.r.optional_dict()?;
    p.r.c.expect(":")?;
    if p.r.c.peek() == b'(' {
        return functional(p, control::Tuple.into(), operands, extra, pos);
    }
    let ty = p.r.ty()?;
    if let Type::Tuple(types) = &ty {
        p.check_types(&operands, types, pos)?;
    }
    Ok(p.finish(control::Tuple.into(), operands, Vec::new(), [ty], extra))
}

/// `@callee(%a) : (T) -> T`.
fn call(p: &mut Parser<'_>, _: usize) -> Result<Operation> {
    let callee = p.r.c.symbol()?;
    p.r.c.expect("(")?;
    let pos = p.r.c.pos();
    let operands = p.operands()?;
    p.r.c.expect(")")?;
    let extra = p.r.optional_dict()?;
    p.r.c.expect(":")?;
    functional(p, control::Call { callee }.into(), operands, extra, pos)
}

/// `(%a, k = 2) : T -> (T, T)`.
fn top_k(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    p.r.c.expect("(")?;
    let pos = p.r.c.pos();
    let operands = Values::from_slice(&[p.operand()?]);
    p.r.c.expect(",")?;
    p.r.c.expect_word("k")?;
    p.r.c.expect("=")?;
    let k = p.r.c.int()?;
    p.r.c.expect(")")?;
    let mut attributes = p.r.optional_dict()?;
    attributes.set("k", Attribute::int(k));
    let op = p.op("chlo.top_k", &mut attributes, start)?;
    p.r.c.expect(":")?;
    let input = p.r.ty()?;
    p.check_types(&operands, &[input], pos)?;
    p.r.c.expect("->")?;
    p.r.c.expect("(")?;
    let outputs = p.types()?;
    p.r.c.expect(")")?;
    Ok(p.finish(op, operands, Vec::new(), outputs, attributes))
}

/// `(%a init: %b), (%c init: %d) applies stablehlo.add across dimensions = [0] : type`, or without `applies` and a region
/// `reducer(%0: T, %1: T) (…) {…}` after the type.
fn reduce(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let (mut operands, mut inits) = (Values::new(), Values::new());
    loop {
        p.r.c.expect("(")?;
        operands.push(p.operand()?);
        p.r.c.expect_word("init")?;
        p.r.c.expect(":")?;
        inits.push(p.operand()?);
        p.r.c.expect(")")?;
        if !p.r.c.eat(",") {
            break;
        }
    }
    let count = operands.len();
    operands.extend(inits);
    let mut applies = None;
    if p.r.c.eat_word("applies") {
        let at = p.r.c.pos();
        let name = p.r.c.need_word("an operation")?;
        applies = Some((name, at));
    }
    p.r.c.expect_word("across")?;
    p.r.c.expect_word("dimensions")?;
    p.r.c.expect("=")?;
    let dimensions = p.r.c.ints()?;
    let mut attributes = p.r.optional_dict()?;
    attributes.set("dimensions", Attribute::ints(&dimensions));
    p.r.c.expect(":")?;
    let (inputs, outputs) = p.r.functional_type()?;
    p.check_types(&operands, &inputs, pos)?;
    let op = p.op("stablehlo.reduce", &mut attributes, start)?;
    let mark = p.mark();
    let region = match applies {
        Some((name, at)) => {
            // The region computes with scalars of the result's element type.
            let Some(Type::Tensor(result)) = outputs.first() else {
                return p.r.c.error("reduce: the result must be a tensor");
            };
            let scalar = Type::Tensor(TensorType::scalar(result.element));
            let args: Values =
                [p.new_value(scalar.clone()), p.new_value(scalar.clone())].into_iter().collect();
            let inner = p.op(name, &mut Attributes::new(), at)?;
            if !Binary::NAMES_OF_TWO.contains(&name) {
                let message = format!("reduce: {name} does not take two operands");
                return Err(p.r.c.error_at(at, Error::parse(message)));
            }
            let operation = p.finish(inner, args.clone(), Vec::new(), [scalar], Attributes::new());
            let results = operation.results.clone();
            crate::Block { args, ops: vec![operation], results }
        }
        None => {
            p.r.c.expect_word("reducer")?;
            let (mut lhs, mut rhs) = (Values::new(), Values::new());
            for _ in 0..count {
                p.r.c.expect("(")?;
                lhs.push(p.block_arg()?);
                p.r.optional_location()?;
                p.r.c.expect(",")?;
                rhs.push(p.block_arg()?);
                p.r.optional_location()?;
                p.r.c.expect(")")?;
            }
            lhs.extend(rhs);
            p.region(Some(lhs))?
        }
    };
    p.forget(mark);
    Ok(p.finish(op, operands, vec![region], outputs, attributes))
}

/// `(%iterArg = %a, …) : T, … attributes {…} cond {…} do {…}`.
fn while_loop(p: &mut Parser<'_>, _: usize) -> Result<Operation> {
    p.r.c.expect("(")?;
    let (mut names, mut operands) = (Vec::new(), Values::new());
    while !p.r.c.eat(")") {
        if !names.is_empty() {
            p.r.c.expect(",")?;
        }
        let at = p.r.c.pos();
        names.push((p.name()?, at));
        p.r.c.expect("=")?;
        operands.push(p.operand()?);
    }
    let pos = p.r.c.pos();
    let types = if p.r.c.eat(":") && !operands.is_empty() { p.types()? } else { Types::new() };
    p.check_types(&operands, &types, pos)?;
    let extra = if p.r.c.eat_word("attributes") { p.r.dict("{", "}")? } else { Attributes::new() };
    let mut regions = Vec::with_capacity(2);
    for word in ["cond", "do"] {
        p.r.c.expect_word(word)?;
        let mark = p.mark();
        let mut args = Values::new();
        for ((name, at), ty) in names.iter().zip(&types) {
            let value = p.new_value(ty.clone());
            p.define(name, value.0, 1, *at)?;
            args.push(value);
        }
        regions.push(p.region(Some(args))?);
        p.forget(mark);
    }
    Ok(p.finish(control::While.into(), operands, regions, types, extra))
}

/// `(%a, …) inits (%b, …) dimension=0 attributes {…} { ^bb0(…): … } : (T, T) -> (T, T)`.
fn scan(p: &mut Parser<'_>, start: usize) -> Result<Operation> {
    let pos = p.r.c.pos();
    let list = |p: &mut Parser<'_>| {
        p.r.c.expect("(")?;
        let values = p.operands()?;
        p.r.c.expect(")").map(|()| values)
    };
    let mut operands = list(p)?;
    p.r.c.expect_word("inits")?;
    let inits = list(p)?;
    let counts = [operands.len() as i64, inits.len() as i64];
    operands.extend(inits);
    p.r.c.expect_word("dimension")?;
    p.r.c.expect("=")?;
    let dimension = p.r.c.int()?;
    let mut attributes = if p.r.c.eat_word("attributes") { p.r.dict("{", "}")? } else { Attributes::new() };
    let region = p.region(None)?;
    attributes.set("dimension", Attribute::int(dimension));
    attributes.set("operandSegmentSizes", Attribute::ints(&counts));
    let outputs = (region.results.len() as i64).saturating_sub(counts[1]);
    attributes.set("resultSegmentSizes", Attribute::ints(&[outputs.max(0), counts[1]]));
    let op = p.op("chlo.scan", &mut attributes, start)?;
    p.r.c.expect(":")?;
    let (inputs, outputs) = p.r.functional_type()?;
    p.check_types(&operands, &inputs, pos)?;
    Ok(p.finish(op, operands, vec![region], outputs, attributes))
}

impl Binary {
    /// Names of operations of two operands, which `applies` may name.
    const NAMES_OF_TWO: &'static [&'static str] = <Binary as OpDef>::NAMES;
}
