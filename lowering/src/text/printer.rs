//! Writing modules, functions and operations: the short form of each operation that has one, the generic form of all others.

use super::names::Names;
use super::write::{self, separated};
use crate::attribute::{Attribute, Attributes, enum_name};
use crate::module::{Block, Func, Location, Module, Operation, Value};
use crate::ops::dot::{PRECISIONS, Precision};
use crate::ops::elementwise::Binary;
use crate::ops::scan::Scan;
use crate::ops::{conv, dot};
use crate::{Op, TensorType, Type};

/// Writes a module; each operation's location too if asked for.
pub(super) fn print_module(module: &Module, with_locations: bool) -> String {
    let operations: usize = module.funcs.iter().map(|f| f.values.len()).sum();
    let mut out = String::with_capacity(256 + operations * 96);
    out.push_str("module");
    if let Some(name) = &module.name {
        out.push(' ');
        write::symbol(name, &mut out);
    }
    if !module.attributes.is_empty() {
        out.push_str(" attributes ");
        write::dict(&module.attributes, &mut out);
    }
    out.push_str(" {\n");
    for other in &module.others {
        out.push_str("  ");
        out.push_str(other);
        out.push('\n');
    }
    for func in &module.funcs {
        let mut printer = Printer {
            func,
            names: Names::new(func),
            out: std::mem::take(&mut out),
            indent: 1,
            with_locations,
        };
        printer.func();
        out = printer.out;
    }
    out.push_str("}\n");
    out
}

/// Appends an integer.
pub(super) fn push_int(value: i64, out: &mut String) {
    if (0..10).contains(&value) {
        out.push((b'0' + value as u8).into());
        return;
    }
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push('-');
    }
    out.extend(digits[start..].iter().map(|&d| char::from(d)));
}

struct Printer<'m> {
    func: &'m Func,
    names: Names,
    out: String,
    indent: usize,
    with_locations: bool,
}

impl Printer<'_> {
    fn func(&mut self) {
        let func = self.func;
        self.start_line();
        self.push(if func.public { "func.func public " } else { "func.func private " });
        write::symbol(&func.name, &mut self.out);
        self.push("(");
        for (i, &arg) in func.body.args.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            self.value(arg);
            self.push(": ");
            self.ty(func.ty(arg));
            if let Some(attributes) = func.arg_attributes.get(i) {
                self.space_dict(attributes);
            }
        }
        self.push(")");
        let plain = func.result_attributes.iter().all(Attributes::is_empty);
        match &func.result_types[..] {
            [] => {}
            [ty] if plain => {
                self.push(" -> ");
                self.ty(ty);
            }
            types => {
                self.push(" -> (");
                for (i, ty) in types.iter().enumerate() {
                    if i > 0 {
                        self.push(", ");
                    }
                    self.ty(ty);
                    if let Some(attributes) = func.result_attributes.get(i) {
                        self.space_dict(attributes);
                    }
                }
                self.push(")");
            }
        }
        if !func.attributes.is_empty() {
            self.push(" attributes ");
            write::dict(&func.attributes, &mut self.out);
        }
        self.push(" {\n");
        self.body(&func.body, "return");
        self.start_line();
        self.push("}");
        self.location(&func.location);
        self.push("\n");
    }

    /// A block's operations and terminator, one level further in.
    fn body(&mut self, block: &Block, terminator: &str) {
        self.indent += 1;
        for operation in &block.ops {
            self.operation(operation, terminator == "return");
        }
        self.start_line();
        self.push(terminator);
        if !block.results.is_empty() {
            self.push(" ");
            self.values(&block.results);
            self.push(" : ");
            self.value_types(&block.results);
        }
        self.push("\n");
        self.indent -= 1;
    }

    /// `{`, a block without its label, and `}`.
    fn region(&mut self, block: &Block) {
        self.push("{\n");
        self.body(block, "stablehlo.return");
        self.start_line();
        self.push("}");
    }

    /// `{`, a block with the label that says what it takes, and `}`.
    fn labelled_region(&mut self, block: &Block) {
        self.push("{\n");
        if !block.args.is_empty() {
            self.start_line();
            self.push("^bb0(");
            for (i, &arg) in block.args.iter().enumerate() {
                self.push(if i > 0 { ", " } else { "" });
                self.value(arg);
                self.push(": ");
                self.ty(&self.func.values[arg.index()]);
            }
            self.push("):\n");
        }
        self.body(block, "stablehlo.return");
        self.start_line();
        self.push("}");
    }

    // Pieces.

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn start_line(&mut self) {
        for _ in 0..self.indent {
            self.out.push_str("  ");
        }
    }

    fn location(&mut self, location: &Location) {
        if self.with_locations && *location != Location::Unknown {
            self.push(&format!(" {location}"));
        }
    }

    fn ty(&mut self, ty: &Type) {
        write::ty(ty, &mut self.out);
    }

    fn value(&mut self, value: Value) {
        self.names.write(value, &mut self.out);
    }

    fn values(&mut self, values: &[Value]) {
        let names = &self.names;
        separated(values, &mut self.out, |&value, out| names.write(value, out));
    }

    fn value_types(&mut self, values: &[Value]) {
        let func = self.func;
        separated(values, &mut self.out, |&value, out| write::ty(func.ty(value), out));
    }

    /// ` {…}` unless empty.
    fn space_dict(&mut self, attributes: &Attributes) {
        if !attributes.is_empty() {
            self.push(" ");
            write::dict(attributes, &mut self.out);
        }
    }

    /// ` : (T, T) -> T`.
    fn functional(&mut self, operation: &Operation) {
        self.push(" : (");
        self.value_types(&operation.operands);
        self.push(") -> ");
        match operation.results[..] {
            [result] => self.ty(&self.func.values[result.index()]),
            _ => {
                self.push("(");
                self.value_types(&operation.results);
                self.push(")");
            }
        }
    }

    /// ` : T` where all types are `T`, else the functional type.
    fn same_type(&mut self, operation: &Operation) {
        let [result] = operation.results[..] else { return self.functional(operation) };
        let ty = self.func.ty(result);
        if operation.operands.iter().all(|&v| self.func.ty(v) == ty) {
            self.push(" : ");
            self.ty(ty);
        } else {
            self.functional(operation);
        }
    }

    /// `, name = [1, 2]`.
    fn ints(&mut self, name: &str, values: &[i64]) {
        self.push(name);
        write::ints(values, &mut self.out);
    }

    fn int(&mut self, name: &str, value: i64) {
        self.push(name);
        push_int(value, &mut self.out);
    }

    // Operations.

    fn operation(&mut self, operation: &Operation, in_func: bool) {
        self.start_line();
        if !operation.results.is_empty() {
            self.names.define(&operation.results, &mut self.out);
            self.push(" = ");
        }
        self.short(operation, in_func);
        self.location(&operation.location);
        self.push("\n");
    }

    /// The operation's short form; the generic form if it has none.
    fn short(&mut self, operation: &Operation, in_func: bool) {
        let Operation { op, operands, extra, .. } = operation;
        match op {
            Op::Call(call) => {
                self.push(if in_func { "call " } else { "func.call " });
                write::symbol(&call.callee, &mut self.out);
                self.parenthesized(operands);
                self.space_dict(extra);
                return self.functional(operation);
            }
            Op::Constant(constant) => {
                self.push("stablehlo.constant");
                self.space_dict(extra);
                self.push(" ");
                return write::dense(&constant.value, &mut self.out);
            }
            Op::Reduce(_) => return self.reduce(operation),
            Op::While(_) => return self.while_loop(operation),
            Op::TopK(top_k) => {
                self.push("chlo.top_k(");
                self.values(operands);
                self.int(", k = ", top_k.k);
                self.push(")");
                self.space_dict(extra);
                self.push(" : ");
                self.value_types(operands);
                self.push(" -> (");
                self.value_types(&operation.results);
                return self.push(")");
            }
            Op::Scan(scan) => return self.scan(operation, scan),
            Op::Convolution(convolution) => return self.convolution(operation, convolution),
            Op::CustomCall(call) => {
                self.push("stablehlo.custom_call ");
                write::symbol(&call.call_target_name, &mut self.out);
                self.parenthesized(operands);
                self.other_attributes(operation, &["call_target_name"]);
                return self.functional(operation);
            }
            Op::Composite(composite) => {
                self.push("stablehlo.composite ");
                super::write_string(&composite.composite_name, &mut self.out);
                if !operands.is_empty() {
                    self.push(" ");
                    self.values(operands);
                }
                self.other_attributes(operation, &["name"]);
                return self.functional(operation);
            }
            Op::OptimizationBarrier(_) => {
                self.push("stablehlo.optimization_barrier");
                self.push(if operands.is_empty() { "()" } else { " " });
                self.values(operands);
                self.space_dict(extra);
                if !operands.is_empty() {
                    self.push(" : ");
                    self.value_types(operands);
                }
                return;
            }
            Op::Gather(_)
            | Op::Scatter(_)
            | Op::Map(_)
            | Op::ReduceWindow(_)
            | Op::SelectAndScatter(_)
            | Op::Sort(_)
            | Op::If(_)
            | Op::Case(_)
            | Op::RaggedDot(_)
            | Op::AllReduce(_)
            | Op::AllGather(_)
            | Op::AllToAll(_)
            | Op::ReduceScatter(_)
            | Op::CollectivePermute(_)
            | Op::CollectiveBroadcast(_)
            | Op::TriangularSolve(_)
            | Op::BatchNormTraining(_)
            | Op::BatchNormInference(_)
            | Op::BatchNormGrad(_)
            | Op::Infeed(_)
            | Op::Outfeed(_)
            | Op::Send(_)
            | Op::Recv(_)
            | Op::DynamicGather(_)
            | Op::DynamicConv(_) => return self.generic(operation),
            _ => {}
        }
        self.push(op.name());
        if let Op::Compare(compare) = op {
            self.push(" ");
            self.push(compare.direction.name());
            self.push(",");
        }
        if !operands.is_empty() {
            self.push(" ");
            self.values(operands);
        }
        let mut printed: &[&str] = &[];
        match op {
            Op::Iota(iota) => self.int(" dim = ", iota.iota_dimension),
            Op::Compare(compare) => {
                if let Some(compare_type) = compare.compare_type {
                    self.push(", ");
                    self.push(compare_type.name());
                }
            }
            Op::ReducePrecision(format) => {
                self.int(", format = e", format.exponent_bits.into());
                self.int("m", format.mantissa_bits.into());
            }
            Op::BroadcastInDim(broadcast) => self.ints(", dims = ", &broadcast.broadcast_dimensions),
            Op::Transpose(transpose) => self.ints(", dims = ", &transpose.permutation),
            Op::Concatenate(concatenate) => self.int(", dim = ", concatenate.dimension),
            Op::Pad(pad) => {
                self.ints(", low = ", &pad.edge_padding_low);
                self.ints(", high = ", &pad.edge_padding_high);
                self.ints(", interior = ", &pad.interior_padding);
            }
            Op::Reverse(reverse) => self.ints(", dims = ", &reverse.dimensions),
            Op::Slice(slice) => {
                self.push(" [");
                for d in 0..slice.start_indices.len() {
                    self.int(if d > 0 { ", " } else { "" }, slice.start_indices[d]);
                    self.int(":", slice.limit_indices.get(d).copied().unwrap_or(0));
                    match slice.strides.get(d) {
                        None | Some(1) => {}
                        Some(&stride) => self.int(":", stride),
                    }
                }
                self.push("]");
            }
            Op::DynamicSlice(slice) => self.ints(", sizes = ", &slice.slice_sizes),
            Op::DotGeneral(product) => self.dot_general(product),
            Op::GetTupleElement(get) => {
                self.int("[", get.index);
                self.push("]");
            }
            Op::GetDimensionSize(get) => self.int(", dim = ", get.dimension),
            Op::SetDimensionSize(set) => self.int(", dim = ", set.dimension),
            Op::DynamicIota(iota) => self.int(", dim = ", iota.iota_dimension),
            Op::DynamicBroadcastInDim(broadcast) => {
                self.ints(", dims = ", &broadcast.broadcast_dimensions);
                printed = &["broadcast_dimensions"];
            }
            Op::Fft(_) => {
                self.enumeration(", type = ", op, "fft_type");
                self.attribute_ints(", length = ", op, "fft_length");
            }
            Op::Cholesky(cholesky) => {
                self.push(if cholesky.lower { ", lower = true" } else { "" });
            }
            Op::Rng(_) => self.enumeration(", distribution = ", op, "rng_distribution"),
            Op::RngBitGenerator(_) => self.enumeration(", algorithm = ", op, "rng_algorithm"),
            _ => {}
        }
        match op {
            Op::DynamicBroadcastInDim(_) => self.other_attributes(operation, printed),
            _ => self.space_dict(extra),
        }
        match op {
            Op::Unary(_) | Op::Binary(_) if op.name().starts_with("chlo.") => {
                self.push(" : ");
                self.value_types(operands);
                self.push(" -> ");
                self.value_types(&operation.results);
            }
            Op::Binary(Binary::Complex) => {
                let [lhs, rhs, result] =
                    [operands[0], operands[1], operation.results[0]].map(|v| self.func.ty(v));
                let part = |ty: &Type| ty.as_tensor().map(|ty| ty.with_element(ty.element.real()));
                if part(result) == lhs.as_tensor().cloned() && lhs == rhs {
                    self.push(" : ");
                    self.value_types(&operation.results);
                } else {
                    self.functional(operation);
                }
            }
            Op::Select(_) => {
                let [_, on_true, on_false] = operands[..] else { return self.functional(operation) };
                let [_, a, b] = [operands[0], on_true, on_false].map(|v| self.func.ty(v));
                if a == b && *b == *self.func.ty(operation.results[0]) {
                    self.push(" : ");
                    self.value_types(&[operands[0], on_true]);
                } else {
                    self.functional(operation);
                }
            }
            Op::Tuple(_) | Op::Iota(_) | Op::PartitionId(_) | Op::ReplicaId(_) | Op::CreateToken(_) => {
                self.push(" : ");
                self.value_types(&operation.results);
            }
            Op::Unary(_)
            | Op::Binary(_)
            | Op::Clamp(_)
            | Op::Convert(_)
            | Op::ReducePrecision(_)
            | Op::Reverse(_)
            | Op::Cholesky(_)
            | Op::AfterAll(_) => self.same_type(operation),
            _ => self.functional(operation),
        }
    }

    /// `(%a, %b)`.
    fn parenthesized(&mut self, operands: &[Value]) {
        self.push("(");
        self.values(operands);
        self.push(")");
    }

    /// ` {…}` of the operation's attributes but those named, and of those it does not know.
    fn other_attributes(&mut self, operation: &Operation, printed: &[&str]) {
        let mut attributes = operation.op.attributes();
        attributes.0.retain(|(name, _)| !printed.contains(&name.as_str()));
        attributes.0.extend(operation.extra.0.iter().cloned());
        attributes.0.sort_by(|a, b| a.0.cmp(&b.0));
        self.space_dict(&attributes);
    }

    fn enumeration(&mut self, before: &str, op: &Op, name: &str) {
        if let Some(Attribute::Enum(_, value)) = op.attributes().get(name) {
            self.push(before);
            self.push(value);
        }
    }

    fn attribute_ints(&mut self, before: &str, op: &Op, name: &str) {
        if let Some(values) = op.attributes().get(name).and_then(Attribute::as_ints) {
            self.ints(before, &values);
        }
    }

    fn dot_general(&mut self, product: &dot::DotGeneral) {
        let d = &product.dimension_numbers;
        if !d.lhs_batching_dimensions.is_empty() || !d.rhs_batching_dimensions.is_empty() {
            self.ints(", batching_dims = ", &d.lhs_batching_dimensions);
            self.ints(" x ", &d.rhs_batching_dimensions);
        }
        self.ints(", contracting_dims = ", &d.lhs_contracting_dimensions);
        self.ints(" x ", &d.rhs_contracting_dimensions);
        if !product.precision_config.is_empty() {
            self.push(", precision = [");
            separated(&product.precision_config, &mut self.out, |p: &Precision, out| {
                out.push_str(enum_name(p, PRECISIONS));
            });
            self.push("]");
        }
        let attributes = crate::ops::OpDef::attributes(product);
        if let Some(Attribute::Struct(_, fields)) = attributes.get("algorithm") {
            self.push(", algorithm = ");
            write::fields(fields, &mut self.out);
        }
    }

    fn convolution(&mut self, operation: &Operation, convolution: &conv::Convolution) {
        self.push("stablehlo.convolution");
        self.parenthesized(&operation.operands);
        self.push(" dim_numbers = ");
        write::conv_dimensions(&convolution.dimension_numbers, &mut self.out);
        self.push(", window = {");
        let mut before = "";
        for (name, values) in [("stride = ", &convolution.window_strides)] {
            if !values.is_empty() {
                self.push(std::mem::replace(&mut before, ", "));
                self.ints(name, values);
            }
        }
        if !convolution.padding.is_empty() {
            self.push(std::mem::replace(&mut before, ", "));
            self.push("pad = [");
            separated(&convolution.padding, &mut self.out, |&(low, high), out| {
                write::ints(&[low, high], out)
            });
            self.push("]");
        }
        for (name, values) in
            [("lhs_dilate = ", &convolution.lhs_dilation), ("rhs_dilate = ", &convolution.rhs_dilation)]
        {
            if !values.is_empty() {
                self.push(std::mem::replace(&mut before, ", "));
                self.ints(name, values);
            }
        }
        if !convolution.window_reversal.is_empty() {
            self.push(before);
            self.push("reverse = [");
            separated(&convolution.window_reversal, &mut self.out, |&reversed, out| {
                out.push_str(if reversed { "true" } else { "false" });
            });
            self.push("]");
        }
        self.push("}");
        const PRINTED: &[&str] = &[
            "dimension_numbers",
            "window_strides",
            "padding",
            "lhs_dilation",
            "rhs_dilation",
            "window_reversal",
        ];
        self.other_attributes(operation, PRINTED);
        self.functional(operation);
    }

    fn reduce(&mut self, operation: &Operation) {
        let Op::Reduce(reduce) = &operation.op else { return self.generic(operation) };
        let count = operation.operands.len() / 2;
        let (inputs, inits) = operation.operands.split_at(count);
        let [region] = &operation.regions[..] else { return self.generic(operation) };
        if count == 0 || inits.len() != count || region.args.len() != 2 * count {
            return self.generic(operation);
        }
        self.push("stablehlo.reduce");
        for (i, (&input, &init)) in inputs.iter().zip(inits).enumerate() {
            self.push(if i > 0 { ", (" } else { "(" });
            self.value(input);
            self.push(" init: ");
            self.value(init);
            self.push(")");
        }
        let applies = self.applied(operation, region);
        if let Some(name) = applies {
            self.push(" applies ");
            self.push(name);
        }
        self.ints(" across dimensions = ", &reduce.dimensions);
        self.space_dict(&operation.extra);
        self.functional(operation);
        if applies.is_none() {
            self.push("\n");
            self.start_line();
            self.push(" reducer");
            for i in 0..count {
                self.push("(");
                for (j, &arg) in [region.args[i], region.args[count + i]].iter().enumerate() {
                    self.push(if j > 0 { ", " } else { "" });
                    self.value(arg);
                    self.push(": ");
                    self.ty(&self.func.values[arg.index()]);
                }
                self.push(") ");
            }
            self.push(" ");
            self.region(region);
        }
    }

    /// The one commutative operation that a region applies to its two arguments, if that is all it does.
    fn applied(&self, operation: &Operation, region: &Block) -> Option<&'static str> {
        use Binary::*;
        let ([inner], [lhs, rhs]) = (&region.ops[..], &region.args[..]) else { return None };
        let commutes = matches!(inner.op, Op::Binary(Add | And | Maximum | Minimum | Multiply | Or | Xor));
        let element = self.func.ty(*operation.results.first()?).as_tensor()?.element;
        let scalar = Type::Tensor(TensorType::scalar(element));
        let plain = commutes
            && inner.operands[..] == [*lhs, *rhs]
            && inner.results == region.results
            && inner.extra.is_empty()
            && (!self.with_locations || inner.location == Location::Unknown)
            && [*lhs, *rhs, inner.results[0]].iter().all(|&v| *self.func.ty(v) == scalar);
        plain.then(|| inner.op.name())
    }

    fn while_loop(&mut self, operation: &Operation) {
        let [cond, body] = &operation.regions[..] else { return self.generic(operation) };
        if [cond, body].iter().any(|region| region.args.len() != operation.operands.len()) {
            return self.generic(operation);
        }
        self.push("stablehlo.while(");
        for (i, (&arg, &operand)) in cond.args.iter().zip(&operation.operands).enumerate() {
            self.push(if i > 0 { ", " } else { "" });
            self.value(arg);
            self.push(" = ");
            self.value(operand);
        }
        self.push(")");
        if !operation.operands.is_empty() {
            self.push(" : ");
            self.value_types(&operation.operands);
        }
        if !operation.extra.is_empty() {
            self.push(" attributes ");
            write::dict(&operation.extra, &mut self.out);
        }
        self.push("\n");
        self.start_line();
        self.push("cond ");
        self.region(cond);
        self.push(" do ");
        self.region(body);
    }

    fn scan(&mut self, operation: &Operation, scan: &Scan) {
        let [region] = &operation.regions[..] else { return self.generic(operation) };
        let counts = scan.operand_segments.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let Some((inputs, inits)) = operation.operands.split_at_checked(counts[0]) else {
            return self.generic(operation);
        };
        if inits.len() != counts[1] || region.results.len() as i64 != scan.result_segments.iter().sum::<i64>()
        {
            return self.generic(operation);
        }
        self.push("chlo.scan");
        self.parenthesized(inputs);
        self.push(" inits ");
        self.parenthesized(inits);
        self.int(" dimension=", scan.dimension);
        self.push(" ");
        let mut attributes = operation.op.attributes();
        for name in ["dimension", "operandSegmentSizes", "resultSegmentSizes"] {
            attributes.take(name);
        }
        attributes.0.extend(operation.extra.0.iter().cloned());
        attributes.0.sort_by(|a, b| a.0.cmp(&b.0));
        if !attributes.is_empty() {
            self.push(" attributes ");
            write::dict(&attributes, &mut self.out);
        }
        self.push(" ");
        self.labelled_region(region);
        self.functional(operation);
    }

    /// `"name"(operands) <{properties}> ({regions}) {attributes} : type`.
    fn generic(&mut self, operation: &Operation) {
        self.push("\"");
        self.push(operation.op.name());
        self.push("\"");
        self.parenthesized(&operation.operands);
        let properties = operation.op.attributes();
        if !properties.is_empty() {
            self.push(" <");
            write::dict(&properties, &mut self.out);
            self.push(">");
        }
        if !operation.regions.is_empty() {
            self.push(" (");
            for (i, region) in operation.regions.iter().enumerate() {
                self.push(if i > 0 { ", " } else { "" });
                self.labelled_region(region);
            }
            self.push(")");
        }
        self.space_dict(&operation.extra);
        self.functional(operation);
    }
}
