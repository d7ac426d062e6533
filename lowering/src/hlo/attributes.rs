//! What stands behind an instruction's operands, opcode by opcode.

use std::fmt::{Arguments, Write};

use super::data::*;
use super::literal::{general, write_with_shape};
use super::proto::Instruction;
use super::shape::{List, write_shape};
use super::sharding::{write_groups, write_sharding};
use super::text::{Printer, escaped};
use crate::Kind;

/// The text being written, one attribute after the other.
struct Attributes<'a>(&'a mut String);

impl Attributes<'_> {
    fn add(&mut self, text: Arguments<'_>) {
        self.0.push_str(", ");
        self.0.write_fmt(text).expect("a string takes all");
    }

    /// `name={1,2}`.
    fn list(&mut self, name: &str, values: &[i64]) {
        self.add(format_args!("{name}={{{}}}", List(values)));
    }

    /// The list, unless it is empty.
    fn some(&mut self, name: &str, values: &[i64]) {
        if !values.is_empty() {
            self.list(name, values);
        }
    }

    /// `name=true`, if it is.
    fn flag(&mut self, name: &str, value: bool) {
        if value {
            self.add(format_args!("{name}=true"));
        }
    }

    /// `name=value`, unless it is what goes without saying.
    fn number(&mut self, name: &str, value: i64, usual: i64) {
        if value != usual {
            self.add(format_args!("{name}={value}"));
        }
    }
}

/// Appends all attributes of an opcode, and the computations that it calls.
pub(super) fn write_attributes<'a>(printer: Printer<'a>, instruction: &'a Instruction, out: &mut String) {
    let mut to = Attributes(out);
    write_own(printer, instruction, &mut to);
    write_calls(printer, instruction, &mut to);
}

fn write_own<'a>(printer: Printer<'a>, instruction: &'a Instruction, to: &mut Attributes<'_>) {
    let i = instruction;
    match &i.opcode[..] {
        "parameter" => {
            let leaves = i.parameter_replication.as_ref().map_or(&[][..], |replication| &replication.leaves);
            if !leaves.is_empty() {
                to.add(format_args!("parameter_replication={{{}}}", List(leaves)));
            }
        }
        "broadcast" | "concatenate" | "get-dimension-size" | "map" | "reduce" | "reverse"
        | "set-dimension-size" | "transpose" => to.list("dimensions", &i.dimensions),
        "sort" => {
            to.list("dimensions", &i.dimensions);
            to.flag("is_stable", i.is_stable);
        }
        "scan" => {
            to.list("dimensions", &i.dimensions);
            to.add(format_args!("num_carries={}", i.num_carries));
            to.flag("is_reverse", i.is_reverse);
            match i.is_associative {
                1 => to.add(format_args!("is_associative=true")),
                2 => to.add(format_args!("is_associative=false")),
                _ => {}
            }
        }
        "reshape" => {
            if let [dimension] = i.dimensions[..] {
                to.add(format_args!("inferred_dimension={dimension}"));
            }
        }
        "iota" => to.add(format_args!("iota_dimension={}", i.dimensions.first().unwrap_or(&0))),
        "get-tuple-element" => to.add(format_args!("index={}", i.tuple_index)),
        "slice" => write_slice(&i.slice, to),
        "pad" => write_padding(i.padding.as_ref(), to),
        "dynamic-slice" => to.list("dynamic_slice_sizes", &i.dynamic_slice_sizes),
        "gather" => write_gather(i, to),
        "scatter" => write_scatter(i, to),
        "compare" => write_comparison(printer, i, to),
        "dot" | "scaled-dot" => {
            write_dot(i.dot.as_ref(), to);
            write_precision(i.precision.as_ref(), to);
        }
        "ragged-dot" => {
            let ragged = i.ragged_dot.clone().unwrap_or_default();
            write_dot(ragged.dot.as_ref(), to);
            to.list("lhs_ragged_dims", &ragged.lhs_ragged);
            to.some("rhs_group_dims", &ragged.rhs_group);
            write_precision(i.precision.as_ref(), to);
        }
        "convolution" => write_convolution(i, to),
        "reduce-window" | "select-and-scatter" => write_window(i.window.as_ref(), to),
        "fft" => {
            let kind = ["FFT", "IFFT", "RFFT", "IRFFT"].get(i.fft_type as usize).unwrap_or(&"FFT");
            to.add(format_args!("fft_type={kind}"));
            to.list("fft_length", &i.fft_length);
        }
        "reduce-precision" => {
            to.add(format_args!("exponent_bits={}", i.exponent_bits));
            to.add(format_args!("mantissa_bits={}", i.mantissa_bits));
        }
        "rng" => {
            let kind = ["rng_invalid", "rng_uniform", "rng_normal"].get(i.distribution as usize);
            to.add(format_args!("distribution={}", kind.unwrap_or(&"rng_invalid")));
        }
        "rng-bit-generator" => {
            let kind = ["rng_default", "rng_three_fry", "rng_philox"].get(i.rng_algorithm as usize);
            to.add(format_args!("algorithm={}", kind.unwrap_or(&"rng_default")));
        }
        "rng-get-and-update-state" => to.add(format_args!("delta={}", i.delta)),
        "batch-norm-training" | "batch-norm-inference" | "batch-norm-grad" => {
            to.add(format_args!("epsilon={}", general(i.epsilon.into(), 6)));
            to.add(format_args!("feature_index={}", i.feature_index));
        }
        "triangular-solve" => write_triangular_solve(i.triangular_solve.as_ref(), to),
        "cholesky" => to.flag("lower", i.cholesky.as_ref().is_some_and(|options| options.lower)),
        "topk" => {
            to.add(format_args!("k={}", i.k));
            to.add(format_args!("largest={}", i.largest));
        }
        "fusion" => {
            to.add(format_args!("kind={}", i.fusion_kind));
            write_operand_aliases(i, to);
        }
        "custom-call" => write_custom_call(i, to),
        "infeed" => write_config("infeed_config", &i.infeed_config, to),
        "outfeed" => {
            let mut shape = String::new();
            write_shape(i.outfeed_shape.as_ref().unwrap_or(&Shape::default()), true, &mut shape);
            to.add(format_args!("outfeed_shape={shape}"));
            write_config("outfeed_config", &i.outfeed_config, to);
        }
        "send" | "send-done" | "recv" | "recv-done" => {
            write_channel(i, to);
            to.flag("is_host_transfer", i.is_host_transfer);
        }
        "copy-start" => {
            if let Some(index) = i.prefetch_index {
                to.add(format_args!("cross_program_prefetch_index={index}"));
            }
        }
        "domain" => write_domain(i, to),
        "async-start" => {
            if !matches!(&i.async_thread[..], "" | "main") {
                to.add(format_args!("async_execution_thread=\"{}\"", i.async_thread));
            }
            if let Some((inside, wrapped)) = printer.wrapped(i) {
                write_own(inside, wrapped, to);
                write_calls(inside, wrapped, to);
            }
        }
        _ => write_collective(i, to),
    }
}

/// Collective instructions, whose attributes come in an order of their own.
fn write_collective(i: &Instruction, to: &mut Attributes<'_>) {
    let groups = |to: &mut Attributes<'_>| {
        write_channel(i, to);
        to.add(format_args!("replica_groups="));
        write_groups(i, to.0);
        to.flag("constrain_layout", i.constrain_layout);
    };
    match &i.opcode[..] {
        "all-reduce" | "all-reduce-start" => {
            groups(to);
            to.flag("use_global_device_ids", i.use_global_device_ids);
        }
        "reduce-scatter" => {
            groups(to);
            to.flag("use_global_device_ids", i.use_global_device_ids);
            to.list("dimensions", &i.dimensions);
        }
        "all-gather" | "all-gather-start" => {
            groups(to);
            to.list("dimensions", &i.dimensions);
            to.flag("use_global_device_ids", i.use_global_device_ids);
        }
        "all-to-all" => {
            groups(to);
            to.some("dimensions", &i.dimensions);
        }
        "ragged-all-to-all" | "collective-broadcast" => groups(to),
        "collective-permute" | "collective-permute-start" => {
            write_channel(i, to);
            let pairs: Vec<String> = i
                .source_target_pairs
                .iter()
                .map(|pair| format!("{{{},{}}}", pair.source, pair.target))
                .collect();
            to.add(format_args!("source_target_pairs={{{}}}", List(&pairs)));
            if !i.dynamic_slice_sizes.is_empty() {
                to.add(format_args!("slice_sizes={{{}}}", List(&i.dynamic_slice_sizes)));
            }
        }
        _ => {}
    }
}

/// Appends the computations that an instruction calls, under the names that its opcode has for them.
fn write_calls<'a>(printer: Printer<'a>, i: &'a Instruction, to: &mut Attributes<'_>) {
    let name = |at: usize| i.called_ids.get(at).map_or("", |&id| printer.callee(id));
    let names = |between: &str| {
        i.called_ids.iter().map(|&id| format!("%{}", printer.callee(id))).collect::<Vec<_>>().join(between)
    };
    match (&i.opcode[..], i.called_ids.len()) {
        (_, 0) => {}
        ("while", 2) => {
            to.add(format_args!("condition=%{}", name(1)));
            to.add(format_args!("body=%{}", name(0)));
        }
        ("select-and-scatter", 2) => {
            to.add(format_args!("select=%{}", name(0)));
            to.add(format_args!("scatter=%{}", name(1)));
        }
        ("conditional", count) => {
            let condition = printer.operand(i, 0).and_then(|operand| operand.shape.as_ref());
            if count == 2 && condition.is_some_and(|shape| shape.element_type == 1) {
                to.add(format_args!("true_computation=%{}", name(0)));
                to.add(format_args!("false_computation=%{}", name(1)));
            } else {
                to.add(format_args!("branch_computations={{{}}}", names(", ")));
            }
        }
        (
            "call" | "map" | "reduce" | "reduce-window" | "reduce-scatter" | "all-reduce"
            | "all-reduce-start" | "scatter" | "sort" | "scan",
            _,
        ) => {
            to.add(format_args!("to_apply=%{}", name(0)));
            to.flag("is_composite", i.is_composite);
        }
        ("custom-call", _) => to.add(format_args!("called_computations={{{}}}", names(", "))),
        ("async-start", _) if printer.wrapped(i).is_some() => {}
        ("async-update" | "async-done", _) => {}
        _ => to.add(format_args!("calls={}", names(", "))),
    }
}

fn write_channel(i: &Instruction, to: &mut Attributes<'_>) {
    if i.channel_id > 0 {
        to.add(format_args!("channel_id={}", i.channel_id));
    }
}

fn write_config(name: &str, config: &[u8], to: &mut Attributes<'_>) {
    if !config.is_empty() {
        to.add(format_args!("{name}=\"{}\"", escaped(config)));
    }
}

fn write_slice(dimensions: &[SliceDimension], to: &mut Attributes<'_>) {
    let strided = dimensions.iter().any(|dimension| dimension.stride != 1);
    let ranges: Vec<String> = dimensions
        .iter()
        .map(|d| match strided {
            true => format!("[{}:{}:{}]", d.start, d.limit, d.stride),
            false => format!("[{}:{}]", d.start, d.limit),
        })
        .collect();
    to.add(format_args!("slice={{{}}}", ranges.join(", ")));
}

fn write_padding(padding: Option<&Padding>, to: &mut Attributes<'_>) {
    let dimensions = padding.map_or(&[][..], |padding| &padding.dimensions);
    let interior = dimensions.iter().any(|dimension| dimension.interior != 0);
    let sizes: Vec<String> = dimensions
        .iter()
        .map(|d| match interior {
            true => format!("{}_{}_{}", d.low, d.high, d.interior),
            false => format!("{}_{}", d.low, d.high),
        })
        .collect();
    to.add(format_args!("padding={}", sizes.join("x")));
}

fn write_gather(i: &Instruction, to: &mut Attributes<'_>) {
    let dimensions = i.gather.clone().unwrap_or_default();
    to.list("offset_dims", &dimensions.offset);
    to.list("collapsed_slice_dims", &dimensions.collapsed_slice);
    to.list("start_index_map", &dimensions.start_index_map);
    to.some("operand_batching_dims", &dimensions.operand_batching);
    to.some("start_indices_batching_dims", &dimensions.indices_batching);
    to.add(format_args!("index_vector_dim={}", dimensions.index_vector));
    to.list("slice_sizes", &i.gather_slice_sizes);
    to.flag("indices_are_sorted", i.indices_are_sorted);
}

fn write_scatter(i: &Instruction, to: &mut Attributes<'_>) {
    let dimensions = i.scatter.clone().unwrap_or_default();
    to.list("update_window_dims", &dimensions.update_window);
    to.list("inserted_window_dims", &dimensions.inserted_window);
    to.list("scatter_dims_to_operand_dims", &dimensions.to_operand);
    to.some("input_batching_dims", &dimensions.input_batching);
    to.some("scatter_indices_batching_dims", &dimensions.indices_batching);
    to.add(format_args!("index_vector_dim={}", dimensions.index_vector));
    to.flag("indices_are_sorted", i.indices_are_sorted);
    to.flag("unique_indices", i.unique_indices);
}

/// The comparison's type is printed where it is not the operands' own.
fn write_comparison(printer: Printer<'_>, i: &Instruction, to: &mut Attributes<'_>) {
    to.add(format_args!("direction={}", i.comparison_direction));
    let operand = printer.operand(i, 0).and_then(|operand| operand.shape.as_ref());
    let usual = match operand.and_then(|shape| super::shape::element(shape.element_type)).map(|e| e.kind()) {
        Some(Kind::Signed) => "SIGNED",
        Some(Kind::Unsigned | Kind::Boolean) => "UNSIGNED",
        _ => "FLOAT",
    };
    if !i.comparison_type.is_empty() && i.comparison_type != usual {
        to.add(format_args!("type={}", i.comparison_type));
    }
}

fn write_dot(dot: Option<&DotDimensions>, to: &mut Attributes<'_>) {
    let dot = dot.cloned().unwrap_or_default();
    to.some("lhs_batch_dims", &dot.lhs_batch);
    to.list("lhs_contracting_dims", &dot.lhs_contracting);
    to.some("rhs_batch_dims", &dot.rhs_batch);
    to.list("rhs_contracting_dims", &dot.rhs_contracting);
}

fn write_precision(precision: Option<&Precision>, to: &mut Attributes<'_>) {
    let Some(precision) = precision else { return };
    if precision.operands.iter().any(|&operand| operand != 0) {
        let name =
            |&operand: &i32| *["default", "high", "highest"].get(operand as usize).unwrap_or(&"default");
        let names: Vec<&str> = precision.operands.iter().map(name).collect();
        to.add(format_args!("operand_precision={{{}}}", List(&names)));
    }
    const ALGORITHMS: [&str; 14] = [
        "unset",
        "dot_any_f8_any_f8_f32",
        "dot_any_f8_any_f8_f32_fast_accum",
        "dot_f16_f16_f16",
        "dot_f16_f16_f32",
        "dot_bf16_bf16_bf16",
        "dot_bf16_bf16_f32",
        "dot_bf16_bf16_f32_x3",
        "dot_bf16_bf16_f32_x6",
        "dot_tf32_tf32_f32",
        "dot_tf32_tf32_f32_x3",
        "dot_f32_f32_f32",
        "dot_f64_f64_f64",
        "dot_bf16_bf16_f32_x9",
    ];
    if precision.algorithm != 0 {
        match ALGORITHMS.get(precision.algorithm as usize) {
            Some(name) => to.add(format_args!("algorithm={name}")),
            None => to.add(format_args!("algorithm={}", precision.algorithm)),
        }
    }
}

fn write_convolution(i: &Instruction, to: &mut Attributes<'_>) {
    write_window(i.window.as_ref(), to);
    if let Some(dimensions) = &i.convolution {
        write_dim_labels(dimensions, to);
    }
    to.number("feature_group_count", i.feature_group_count, 1);
    to.number("batch_group_count", i.batch_group_count, 1);
    write_precision(i.precision.as_ref(), to);
}

fn write_dim_labels(dimensions: &ConvolutionDimensions, to: &mut Attributes<'_>) {
    let labels = |named: [(i64, char); 2], spatial: &[i64]| -> String {
        let rank = 2 + spatial.len() as i64;
        let label = |d: i64| match named.iter().find(|named| named.0 == d) {
            Some(named) => named.1.to_string(),
            None => spatial.iter().position(|&s| s == d).map_or("?".into(), |at| at.to_string()),
        };
        (0..rank).map(label).collect()
    };
    let d = dimensions;
    let input = labels([(d.input_batch, 'b'), (d.input_feature, 'f')], &d.input_spatial);
    let kernel = labels([(d.kernel_input_feature, 'i'), (d.kernel_output_feature, 'o')], &d.kernel_spatial);
    let output = labels([(d.output_batch, 'b'), (d.output_feature, 'f')], &d.output_spatial);
    to.add(format_args!("dim_labels={input}_{kernel}->{output}"));
}

/// What moves over the operand: only the sizes are always printed.
fn write_window(window: Option<&Window>, to: &mut Attributes<'_>) {
    let dimensions = window.map_or(&[][..], |window| &window.dimensions);
    if dimensions.is_empty() {
        return;
    }
    let mut text = String::new();
    let mut part =
        |name: &str, differs: fn(&WindowDimension) -> bool, value: fn(&WindowDimension) -> String| {
            if dimensions.iter().any(differs) {
                let values: Vec<String> = dimensions.iter().map(value).collect();
                let blank = if text.is_empty() { "" } else { " " };
                write!(text, "{blank}{name}={}", values.join("x")).expect("a string takes all");
            }
        };
    part("size", |_| true, |d| d.size.to_string());
    part("stride", |d| d.stride != 1, |d| d.stride.to_string());
    part(
        "pad",
        |d| d.padding_low != 0 || d.padding_high != 0,
        |d| format!("{}_{}", d.padding_low, d.padding_high),
    );
    part("lhs_dilate", |d| d.base_dilation != 1, |d| d.base_dilation.to_string());
    part("rhs_dilate", |d| d.window_dilation != 1, |d| d.window_dilation.to_string());
    part("rhs_reversal", |d| d.reversal, |d| u8::from(d.reversal).to_string());
    to.add(format_args!("window={{{text}}}"));
}

fn write_triangular_solve(options: Option<&TriangularSolve>, to: &mut Attributes<'_>) {
    let options = options.cloned().unwrap_or_default();
    to.flag("left_side", options.left_side);
    to.flag("lower", options.lower);
    to.flag("unit_diagonal", options.unit_diagonal);
    let names = ["TRANSPOSE_INVALID", "NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"];
    if let Some(name) = names.get(options.transpose_a as usize).filter(|_| options.transpose_a != 0) {
        to.add(format_args!("transpose_a={name}"));
    }
}

fn write_operand_aliases(i: &Instruction, to: &mut Attributes<'_>) {
    if i.output_operand_aliasing.is_empty() {
        return;
    }
    let alias = |alias: &OperandAlias| {
        let (output, index) = (List(&alias.output), List(&alias.operand_index));
        format!("{{{output}}}: ({}, {{{index}}})", alias.operand)
    };
    let aliases: Vec<String> = i.output_operand_aliasing.iter().map(alias).collect();
    to.add(format_args!("output_to_operand_aliasing={{{}}}", aliases.join(", ")));
}

fn write_custom_call(i: &Instruction, to: &mut Attributes<'_>) {
    write_window(i.window.as_ref(), to);
    if let Some(dimensions) = &i.convolution {
        write_dim_labels(dimensions, to);
    }
    to.number("feature_group_count", i.feature_group_count, 1);
    to.number("batch_group_count", i.batch_group_count, 1);
    write_precision(i.precision.as_ref(), to);
    if let Some(name) =
        ["", "PADDING_VALID", "PADDING_SAME"].get(i.padding_type as usize).filter(|n| !n.is_empty())
    {
        to.add(format_args!("padding_type={name}"));
    }
    to.add(format_args!("custom_call_target=\"{}\"", escaped(&i.custom_call_target)));
    if i.constrain_layout {
        let mut shapes = String::new();
        for (at, shape) in i.operand_shapes.iter().enumerate() {
            shapes.push_str(if at == 0 { "" } else { ", " });
            write_shape(shape, true, &mut shapes);
        }
        to.add(format_args!("operand_layout_constraints={{{shapes}}}"));
    }
    to.flag("custom_call_has_side_effect", i.has_side_effect);
    if let Some(literal) = &i.literal {
        let mut text = String::new();
        write_with_shape(literal, &mut text);
        to.add(format_args!("literal={text}"));
    }
    write_operand_aliases(i, to);
    let schedules = ["SCHEDULE_NONE", "SCHEDULE_LATEST", "SCHEDULE_EARLIEST"];
    if let Some(name) = schedules.get(i.custom_call_schedule as usize).filter(|_| i.custom_call_schedule != 0)
    {
        to.add(format_args!("schedule={name}"));
    }
    let versions = [
        "API_VERSION_UNSPECIFIED",
        "API_VERSION_ORIGINAL",
        "API_VERSION_STATUS_RETURNING",
        "API_VERSION_STATUS_RETURNING_UNIFIED",
        "API_VERSION_TYPED_FFI",
    ];
    if let Some(name) = versions.get(i.api_version as usize).filter(|_| i.api_version > 1) {
        to.add(format_args!("api_version={name}"));
    }
}

/// The message calls the operands' side the entry, the text the users'.
fn write_domain(i: &Instruction, to: &mut Attributes<'_>) {
    let mut text = String::new();
    for (name, sharding) in [("entry", &i.domain_exit), (", exit", &i.domain_entry)] {
        write!(text, "{name}=").expect("a string takes all");
        match sharding {
            Some(sharding) => write_sharding(sharding, &mut text),
            None => text.push_str("{}"),
        }
    }
    to.add(format_args!("domain={{kind=\"sharding\", {text}}}"));
}
