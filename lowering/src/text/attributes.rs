//! Reading types, attributes, dense literals and locations.

use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

use super::cursor::Cursor;
use super::number::read_float;
use crate::attribute::{Attribute, Attributes};
use crate::element::{Scalar, int_range, push_bits, write};
use crate::module::Location;
use crate::ops::conv::ConvDimensionNumbers;
use crate::{DYNAMIC, ElementType, Error, Kind, Literal, Result, Shape, TensorType, Type};

/// The types written for an operation's operands or results, inline for most operations.
pub(super) type Types = SmallVec<[Type; 3]>;

/// How deeply types, attributes, locations and regions may nest.
pub(super) const MAX_DEPTH: u32 = 48;

/// The most dimensions that a type may have.
const MAX_RANK: usize = 128;

/// A location that takes more text than this is dropped: aliases can make short texts mean long ones.
const MAX_LOCATION: usize = 1 << 14;

/// Reads the parts of a text that are not operations.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    pub(super) c: Cursor<'t>,
    pub(super) depth: u32,
    /// Where the value of each `#name =` and `!name =` begins.
    aliases: FxHashMap<&'t str, usize>,
    locations: FxHashMap<&'t str, Location>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut aliases = FxHashMap::default();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            if line.starts_with(['#', '!'])
                && let Some((name, value)) = line.split_once('=')
            {
                aliases.insert(name.trim_end(), start + line.len() - value.len());
            }
            start += line.len();
        }
        Reader { c: Cursor::new(text), depth: 0, aliases, locations: FxHashMap::default() }
    }

    /// Runs `read` one level deeper.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            return self.c.unsupported(format!("text nests more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let out = read(self);
        self.depth -= 1;
        out
    }

    /// Runs `read` on the value of an alias, and returns to where the alias was used.
    fn at_alias<T>(&mut self, pos: usize, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let back = self.c;
        self.c.seek(pos);
        let out = self.nested(read);
        self.c = back;
        out
    }

    // Types.

    pub(super) fn ty(&mut self) -> Result<Type> {
        if self.c.eat("tensor<") {
            return self.tensor_rest().map(Type::Tensor);
        }
        if self.c.eat_word("tuple") {
            return self.nested(|r| {
                r.c.expect("<")?;
                let mut types = Vec::new();
                while !r.c.eat(">") {
                    if !types.is_empty() {
                        r.c.expect(",")?;
                    }
                    types.push(r.ty()?);
                }
                Ok(Type::Tuple(types))
            });
        }
        if self.c.peek() == b'!' {
            let start = self.c.pos();
            self.c.expect("!")?;
            self.c.suffix();
            let name = self.c.since(start);
            if let Some(&pos) = self.aliases.get(name) {
                return self.at_alias(pos, Reader::ty);
            }
            if matches!(name, "!stablehlo.token" | "!mhlo.token") {
                return Ok(Type::Token);
            }
            self.c.seek(start);
            return self.c.unsupported(format!("the type {name} is not supported"));
        }
        let found = self.c.found();
        self.c.error(format!("expected a type, found {found}"))
    }

    /// `2x3xf32>`.
    fn tensor_rest(&mut self) -> Result<TensorType> {
        let mut shape = Shape::new();
        loop {
            match self.c.peek() {
                b'?' => {
                    self.c.expect("?")?;
                    shape.push(DYNAMIC);
                }
                b'0'..=b'9' => shape.push(self.c.digits()?),
                b'*' => return self.c.unsupported("tensors without a rank are not supported"),
                _ => break,
            }
            if shape.len() > MAX_RANK {
                return self
                    .c
                    .unsupported(format!("tensors of more than {MAX_RANK} dimensions are not supported"));
            }
            self.c.expect("x")?;
        }
        let element = self.element()?;
        if self.c.starts(",") {
            return self.c.unsupported("encodings of tensor types are not supported yet");
        }
        self.c.expect(">")?;
        Ok(TensorType { shape, element })
    }

    /// `f32`, `complex<f32>`.
    pub(super) fn element(&mut self) -> Result<ElementType> {
        let start = self.c.pos();
        if self.c.starts("!quant") {
            return self.c.unsupported("quantized types are not supported yet");
        }
        if self.c.peek() == b'!' {
            self.c.expect("!")?;
            self.c.suffix();
            let name = self.c.since(start);
            if let Some(&pos) = self.aliases.get(name) {
                return self.at_alias(pos, Reader::element);
            }
            self.c.seek(start);
            return self.c.unsupported(format!("the element type {name} is not supported"));
        }
        let word = self.c.need_word("an element type")?;
        let element = match word {
            "complex" => {
                self.c.expect("<")?;
                let part = self.c.need_word("an element type")?;
                self.c.expect(">")?;
                ElementType::from_name(part).and_then(ElementType::complex)
            }
            _ => ElementType::from_name(word),
        };
        element.ok_or_else(|| {
            self.c.error_at(start, Error::unsupported(format!("the element type {word} is not supported")))
        })
    }

    /// `(T, T) -> T` or `(T, T) -> (T, T)`.
    pub(super) fn functional_type(&mut self) -> Result<(Types, Types)> {
        let inputs = self.type_list()?;
        self.c.expect("->")?;
        let outputs = match self.c.peek() {
            b'(' => self.type_list()?,
            _ => smallvec![self.ty()?],
        };
        Ok((inputs, outputs))
    }

    fn type_list(&mut self) -> Result<Types> {
        self.c.expect("(")?;
        let mut types = Types::new();
        while !self.c.eat(")") {
            if !types.is_empty() {
                self.c.expect(",")?;
            }
            types.push(self.ty()?);
        }
        Ok(types)
    }

    // Attributes.

    /// `{a = 1, b}` if it is next.
    pub(super) fn optional_dict(&mut self) -> Result<Attributes> {
        match self.c.peek() {
            b'{' => self.dict("{", "}"),
            _ => Ok(Attributes::new()),
        }
    }

    pub(super) fn dict(&mut self, open: &str, close: &str) -> Result<Attributes> {
        self.c.expect(open)?;
        self.nested(|r| {
            let mut attributes = Attributes::new();
            while !r.c.eat(close) {
                if !attributes.is_empty() {
                    r.c.expect(",")?;
                }
                let name = match r.c.peek() {
                    b'"' => r.c.string()?,
                    _ => r.c.need_word("an attribute's name")?.to_string(),
                };
                let value = if r.c.eat("=") { r.attribute()? } else { Attribute::Unit };
                attributes.0.push((name, value));
            }
            Ok(attributes)
        })
    }

    pub(super) fn attribute(&mut self) -> Result<Attribute> {
        match self.c.peek() {
            b'"' => {
                let text = self.c.string()?;
                if self.c.eat(":") {
                    self.c.balanced()?;
                }
                Ok(Attribute::String(text))
            }
            b'@' => {
                let start = self.c.pos();
                let name = self.c.symbol()?;
                if self.c.starts("::") {
                    while self.c.eat("::") {
                        self.c.symbol()?;
                    }
                    return Ok(Attribute::Opaque(self.c.since(start).to_string()));
                }
                Ok(Attribute::Symbol(name))
            }
            b'[' => self.nested(|r| {
                r.c.expect("[")?;
                let mut values = Vec::new();
                while !r.c.eat("]") {
                    if !values.is_empty() {
                        r.c.expect(",")?;
                    }
                    values.push(r.attribute()?);
                }
                Ok(Attribute::Array(values))
            }),
            b'{' => self.dict("{", "}").map(Attribute::Dict),
            b'#' => self.dialect_attribute(),
            b'!' => self.ty().map(Attribute::Type),
            b'(' => {
                let start = self.c.pos();
                self.functional_type()?;
                Ok(Attribute::Opaque(self.c.since(start).to_string()))
            }
            b'-' | b'0'..=b'9' => self.number_attribute(),
            _ => self.word_attribute(),
        }
    }

    fn number_attribute(&mut self) -> Result<Attribute> {
        let start = self.c.pos();
        let text = self.c.number();
        let is_hex = text.starts_with("0x");
        let is_float = !is_hex && text.contains(['.', 'e', 'E']);
        let element = match self.c.eat(":") {
            true if self.c.eat_word("index") => {
                return Ok(Attribute::Opaque(self.c.since(start).to_string()));
            }
            true => self.element()?,
            false if is_float => ElementType::F64,
            false => ElementType::I64,
        };
        let failed = |r: &Self| {
            r.c.error_at(start, Error::parse(format!("'{text}' is not a number of type {element}")))
        };
        if element.is_float() {
            let bits = match is_hex {
                true => u64::from_str_radix(&text[2..], 16).ok(),
                false => read_float(element, text),
            };
            let value = bits.map(|bits| crate::element::decode(element, bits));
            return value.map(|v| Attribute::Float(v, element)).ok_or_else(|| failed(self));
        }
        let value = match is_hex {
            true => i128::from_str_radix(&text[2..], 16).ok(),
            false => text.parse::<i128>().ok(),
        };
        // `ui64` values beyond `i64` keep their bits.
        value
            .filter(|v| (i64::MIN.into()..=u64::MAX.into()).contains(v))
            .map(|v| Attribute::Int(v as i64, element))
            .ok_or_else(|| failed(self))
    }

    fn word_attribute(&mut self) -> Result<Attribute> {
        let start = self.c.pos();
        let word = self.c.need_word("an attribute")?;
        match word {
            "true" | "false" => Ok(Attribute::Bool(word == "true")),
            "unit" => Ok(Attribute::Unit),
            "dense" => self.dense(start),
            "array" => self.dense_array(),
            "dense_resource" => {
                self.c.seek(start);
                self.c.unsupported(
                    "dense resources are not supported: their data stands outside the module's text",
                )
            }
            "tensor" | "tuple" => {
                self.c.seek(start);
                self.ty().map(Attribute::Type)
            }
            "loc" => {
                self.c.balanced()?;
                Ok(Attribute::Opaque(self.c.since(start).to_string()))
            }
            _ => {
                if self.c.starts("<") {
                    self.c.balanced()?;
                }
                Ok(Attribute::Opaque(self.c.since(start).to_string()))
            }
        }
    }

    /// `<i64: 1, 2>`.
    fn dense_array(&mut self) -> Result<Attribute> {
        self.c.expect("<")?;
        let element = self.element()?;
        let mut values = Vec::new();
        if self.c.eat(":") {
            loop {
                values.push(match self.c.peek() {
                    b't' | b'f' if element.is_boolean() => {
                        let value = self.c.eat_word("true");
                        if !value {
                            self.c.expect_word("false")?;
                        }
                        value.into()
                    }
                    _ => self.c.int()?,
                });
                if !self.c.eat(",") {
                    break;
                }
            }
        }
        self.c.expect(">")?;
        Ok(Attribute::DenseArray(element, values))
    }

    /// `#alias`, `#stablehlo<enumeration VALUE>`, `#stablehlo.name<…>`, or anything else word for word.
    fn dialect_attribute(&mut self) -> Result<Attribute> {
        let start = self.c.pos();
        self.c.expect("#")?;
        self.c.suffix();
        let name = self.c.since(start);
        if let Some(&pos) = self.aliases.get(name) {
            return self.at_alias(pos, Reader::attribute);
        }
        // Names of other dialects keep their dialect's.
        let (is_ours, is_enum, short) = match name {
            "#stablehlo" => (true, true, ""),
            "#chlo" => (true, true, "chlo."),
            _ => match (name.strip_prefix("#stablehlo."), name.starts_with("#chlo.")) {
                (Some(short), _) => (true, false, short),
                (None, true) => (true, false, &name[1..]),
                (None, false) => (false, false, ""),
            },
        };
        if short == "conv" {
            self.c.expect("<")?;
            let numbers = self.conv_dimensions()?;
            self.c.expect(">")?;
            return Ok(Attribute::Conv(numbers));
        }
        if is_ours && is_enum {
            let pos = self.c.pos();
            self.c.expect("<")?;
            if let (Some(kind), Some(value)) = (self.c.word(), self.c.word())
                && self.c.eat(">")
            {
                return Ok(Attribute::Enum(format!("{short}{kind}"), value.to_string()));
            }
            self.c.seek(pos);
        } else if is_ours && !matches!(short, "bounds" | "type_extensions") && self.c.starts("<") {
            let fields = self.fields()?;
            return Ok(Attribute::Struct(short.to_string(), fields));
        }
        if self.c.starts("<") {
            self.c.balanced()?;
        }
        Ok(Attribute::Opaque(self.c.since(start).to_string()))
    }

    /// `<name = value, …>`, the body of a structure.
    pub(super) fn fields(&mut self) -> Result<Attributes> {
        self.c.expect("<")?;
        self.nested(|r| {
            let mut fields = Attributes::new();
            while !r.c.eat(">") {
                if !fields.is_empty() {
                    r.c.expect(",")?;
                }
                let name = r.c.need_word("a field's name")?.to_string();
                r.c.expect("=")?;
                let value = match r.c.peek() {
                    b'a'..=b'z' | b'A'..=b'Z' => match r.c.need_word("a value")? {
                        "true" => Attribute::Bool(true),
                        "false" => Attribute::Bool(false),
                        word => Attribute::Opaque(word.to_string()),
                    },
                    _ => r.attribute()?,
                };
                fields.0.push((name, value));
            }
            Ok(fields)
        })
    }

    /// `[b, 0, f]x[0, i, o]->[b, 0, f]`.
    pub(super) fn conv_dimensions(&mut self) -> Result<ConvDimensionNumbers> {
        let (input, [b, f]) = self.conv_side(["b", "f"])?;
        self.c.expect("x")?;
        let (kernel, [i, o]) = self.conv_side(["i", "o"])?;
        self.c.expect("->")?;
        let (output, [output_b, output_f]) = self.conv_side(["b", "f"])?;
        Ok(ConvDimensionNumbers {
            input_batch_dimension: b,
            input_feature_dimension: f,
            input_spatial_dimensions: input,
            kernel_input_feature_dimension: i,
            kernel_output_feature_dimension: o,
            kernel_spatial_dimensions: kernel,
            output_batch_dimension: output_b,
            output_feature_dimension: output_f,
            output_spatial_dimensions: output,
        })
    }

    /// `[b, 0, f]`: where each spatial dimension stands, and where the two named ones do.
    fn conv_side(&mut self, names: [&str; 2]) -> Result<(Shape, [i64; 2])> {
        let start = self.c.pos();
        let mut named = [None; 2];
        let mut spatial: Vec<(i64, i64)> = Vec::new();
        self.c.expect("[")?;
        let mut position = 0;
        while !self.c.eat("]") {
            if position > 0 {
                self.c.expect(",")?;
            }
            match self.c.peek() {
                b'0'..=b'9' => spatial.push((self.c.digits()?, position)),
                b'?' => return self.c.unsupported("unknown dimensions of convolutions are not supported"),
                _ => {
                    let name = self.c.need_word("a dimension")?;
                    match names.iter().position(|n| *n == name) {
                        Some(which) if named[which].is_none() => named[which] = Some(position),
                        _ => return self.c.error(format!("unexpected dimension '{name}' before this")),
                    }
                }
            }
            position += 1;
        }
        spatial.sort_unstable();
        let complete = spatial.iter().enumerate().all(|(i, s)| s.0 == i as i64);
        match named {
            [Some(a), Some(b)] if complete => Ok((spatial.iter().map(|s| s.1).collect(), [a, b])),
            _ => {
                let message = format!(
                    "dimensions must be '{}', '{}' and the numbers from 0, once each",
                    names[0], names[1]
                );
                Err(self.c.error_at(start, Error::parse(message)))
            }
        }
    }

    // Dense literals.

    /// What follows `dense`, which began at `start`.
    fn dense(&mut self, start: usize) -> Result<Attribute> {
        let pos = self.c.pos();
        let (literal, is_index) = self.dense_value()?;
        match (literal, is_index) {
            (Some(literal), _) => Ok(Attribute::Dense(literal)),
            (None, true) => Ok(Attribute::Opaque(self.c.since(start).to_string())),
            (None, false) => Err(self.c.error_at(pos, Error::parse("expected a dense literal"))),
        }
    }

    /// `<…> : tensor<…>`; no literal and true if it is of type index.
    fn dense_value(&mut self) -> Result<(Option<Literal>, bool)> {
        let body = self.c.pos();
        match self.c.rest().starts_with("<\"") {
            true => drop(self.c.balanced()?),
            // Without strings the body has no '>' before its end.
            false => match self.c.rest().find('>') {
                Some(length) => self.c.seek(body + length + 1),
                None => return self.c.error("the dense literal that begins here does not end"),
            },
        }
        self.c.expect(":")?;
        let pos = self.c.pos();
        let rest = self.c.rest();
        if rest.find('>').is_some_and(|end| rest.starts_with("tensor<") && rest[..end].ends_with("index")) {
            self.c.balanced()?;
            return Ok((None, true));
        }
        let ty = match self.ty()? {
            Type::Tensor(ty) => ty,
            other => return Err(self.c.error_at(pos, Error::parse(format!("{other} is not a tensor type")))),
        };
        let end = self.c;
        self.c.seek(body);
        let literal = self.elements(ty)?;
        self.c = end;
        Ok((Some(literal), false))
    }

    /// `dense<…> : tensor<…>`, as in `stablehlo.constant`.
    pub(super) fn dense_literal(&mut self) -> Result<Literal> {
        let start = self.c.pos();
        if self.c.starts("dense_resource") {
            return match self.word_attribute() {
                Err(error) => Err(error),
                Ok(_) => self.c.error("expected a dense literal"),
            };
        }
        self.c.expect_word("dense")?;
        match self.dense_value()? {
            (Some(literal), _) => Ok(literal),
            (None, _) => {
                Err(self.c.error_at(start, Error::unsupported("tensors of index are not supported")))
            }
        }
    }

    /// `<elements>`.
    fn elements(&mut self, ty: TensorType) -> Result<Literal> {
        let start = self.c.pos();
        self.c.expect("<")?;
        let Some(count) = ty.byte_size().and(ty.num_elements()) else {
            let message = format!("a literal of type {ty} has no static size");
            return Err(self.c.error_at(start, Error::parse(message)));
        };
        let width = ty.element.byte_width();
        let literal = match self.c.peek() {
            b'"' => {
                let text = self.c.raw_string()?;
                let bytes = hex_bytes(ty.element, text).ok_or_else(|| {
                    self.c.error_at(start, Error::parse("not a string of hexadecimal bytes"))
                })?;
                if bytes.len() == width && count != 1 {
                    Literal::splat_bytes(ty, bytes)
                } else {
                    Literal::from_bytes(ty, bytes)
                }
            }
            b'>' => Literal::from_bytes(ty, Vec::new()),
            b'[' => {
                // No more elements than the text has room for.
                let mut bytes = Vec::with_capacity((count * width).min(self.c.rest().len() * 8));
                self.element_list(&ty, 0, &mut bytes)?;
                Literal::from_bytes(ty, bytes)
            }
            _ => {
                let mut bytes = Vec::with_capacity(width);
                self.one_element(ty.element, &mut bytes)?;
                Literal::splat_bytes(ty, bytes)
            }
        };
        let literal = literal.map_err(|e| self.c.error_at(start, Error::parse(e.message)))?;
        self.c.expect(">")?;
        Ok(literal)
    }

    fn element_list(&mut self, ty: &TensorType, d: usize, out: &mut Vec<u8>) -> Result<()> {
        let Some(&size) = ty.shape.get(d) else {
            return self.one_element(ty.element, out);
        };
        let start = self.c.pos();
        self.c.expect("[")?;
        let mut count = 0;
        while !self.c.eat("]") {
            if count > 0 {
                self.c.expect(",")?;
            }
            if count == size {
                count += 1;
                break;
            }
            self.element_list(ty, d + 1, out)?;
            count += 1;
        }
        if count != size {
            let message = format!("dimension {d} of the literal must have {size} entries, as {ty} says");
            return Err(self.c.error_at(start, Error::parse(message)));
        }
        Ok(())
    }

    fn one_element(&mut self, element: ElementType, out: &mut Vec<u8>) -> Result<()> {
        let start = self.c.pos();
        if element.is_complex() {
            self.c.expect("(")?;
            self.one_element(element.real(), out)?;
            self.c.expect(",")?;
            self.one_element(element.real(), out)?;
            return self.c.expect(")");
        }
        let value = match self.c.peek() {
            b't' | b'f' => {
                let value = self.c.eat_word("true");
                if !value {
                    self.c.expect_word("false")?;
                }
                (element.is_boolean()).then_some(Scalar::Int(value.into()))
            }
            _ => {
                let text = self.c.number();
                if let (true, Some(hex)) = (element.is_float(), text.strip_prefix("0x")) {
                    let bits = u64::from_str_radix(hex, 16).ok();
                    let fits = bits.filter(|bits| bits.checked_shr(element.bits() as u32).unwrap_or(0) == 0);
                    return match fits {
                        Some(bits) => {
                            push_bits(bits.into(), element.byte_width(), out);
                            Ok(())
                        }
                        None => Err(self.not_an_element(start, element)),
                    };
                }
                if element.is_float() {
                    return match read_float(element, text) {
                        Some(bits) => {
                            push_bits(bits.into(), element.byte_width(), out);
                            Ok(())
                        }
                        None => Err(self.not_an_element(start, element)),
                    };
                }
                let value = match text.strip_prefix("0x") {
                    Some(hex) => i128::from_str_radix(hex, 16).ok(),
                    None => text.parse::<i128>().ok(),
                };
                let (mut min, mut max) = int_range(element);
                if element.kind() == Kind::Signed {
                    max = 2 * max + 1;
                } else if element.is_boolean() {
                    (min, max) = (-1, 1);
                }
                value.filter(|v| (min..=max).contains(v)).map(Scalar::Int)
            }
        };
        match value {
            Some(value) => {
                write(element, value, out);
                Ok(())
            }
            None => Err(self.not_an_element(start, element)),
        }
    }

    fn not_an_element(&self, start: usize, element: ElementType) -> Error {
        let mut at = self.c;
        at.seek(start);
        let found = at.found();
        self.c.error_at(start, Error::parse(format!("expected an element of type {element}, found {found}")))
    }

    // Locations.

    /// `loc(…)` if it is next.
    pub(super) fn optional_location(&mut self) -> Result<Location> {
        match self.c.starts("loc(") {
            true => self.location(),
            false => Ok(Location::Unknown),
        }
    }

    /// `loc(…)`.
    pub(super) fn location(&mut self) -> Result<Location> {
        self.c.expect_word("loc")?;
        self.c.expect("(")?;
        let location = self.nested(Reader::location_body)?;
        self.c.expect(")")?;
        Ok(location)
    }

    fn location_body(&mut self) -> Result<Location> {
        match self.c.peek() {
            b'#' => {
                let start = self.c.pos();
                self.c.expect("#")?;
                self.c.suffix();
                let name = self.c.since(start);
                if let Some(known) = self.locations.get(name) {
                    return Ok(known.clone());
                }
                let Some(&pos) = self.aliases.get(name) else {
                    return Err(self.c.error_at(start, Error::parse(format!("{name} is not defined"))));
                };
                let location = self.at_alias(pos, Reader::location)?;
                self.locations.insert(name, location.clone());
                Ok(location)
            }
            b'"' => {
                let name = self.c.string()?;
                if self.c.eat(":") {
                    let line = self.c.int()?;
                    self.c.expect(":")?;
                    let column = self.c.int()?;
                    if self.c.eat_word("to") {
                        if self.c.peek() != b':' {
                            self.c.int()?;
                        }
                        self.c.expect(":")?;
                        self.c.int()?;
                    }
                    let number = |n: i64| u32::try_from(n).unwrap_or(0);
                    return Ok(Location::File(name.into(), number(line), number(column)));
                }
                let child = match self.c.eat("(") {
                    true => {
                        let child = self.nested(Reader::location_body)?;
                        self.c.expect(")")?;
                        child
                    }
                    false => Location::Unknown,
                };
                Ok(Location::Named(name.into(), child.into()))
            }
            _ => {
                let start = self.c.pos();
                match self.c.need_word("a location")? {
                    "unknown" => Ok(Location::Unknown),
                    "callsite" => {
                        self.c.expect("(")?;
                        let callee = self.nested(Reader::location_body)?;
                        self.c.expect_word("at")?;
                        let caller = self.nested(Reader::location_body)?;
                        self.c.expect(")")?;
                        Ok(opaque(format!("callsite({} at {})", callee.body(), caller.body())))
                    }
                    "fused" => {
                        if self.c.starts("<") {
                            self.c.balanced()?;
                        }
                        self.c.expect("[")?;
                        let mut text = String::from("fused[");
                        while !self.c.eat("]") {
                            if text.len() > "fused[".len() {
                                self.c.expect(",")?;
                                text.push_str(", ");
                            }
                            let part = self.nested(Reader::location_body)?;
                            if text.len() <= MAX_LOCATION {
                                text.push_str(&part.body());
                            }
                        }
                        Ok(opaque(text + "]"))
                    }
                    word => {
                        let message = format!("'{word}' is not a kind of location");
                        Err(self.c.error_at(start, Error::parse(message)))
                    }
                }
            }
        }
    }
}

fn opaque(text: String) -> Location {
    if text.len() > MAX_LOCATION { Location::Unknown } else { Location::Opaque(text.into()) }
}

/// The elements of a hexadecimal string, little-endian in text, in native order; elements narrower than a byte are extended
/// as literals store them.
fn hex_bytes(element: ElementType, text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let digit = |byte: u8| (byte as char).to_digit(16).map(|d| d as u8);
    if digits.len() % 2 != 0 {
        return None;
    }
    let mut bytes = digits
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect::<Option<Vec<u8>>>()?;
    if cfg!(target_endian = "big") {
        let part = element.real().byte_width();
        bytes.chunks_exact_mut(part).for_each(<[u8]>::reverse);
    }
    match element {
        ElementType::I1 => bytes.iter_mut().for_each(|b| *b = (*b != 0).into()),
        _ if element.is_integer() && element.bits() < 8 => {
            bytes.iter_mut().for_each(|b| *b = crate::element::wrap(element, (*b).into()) as u8);
        }
        _ => {}
    }
    Some(bytes)
}
