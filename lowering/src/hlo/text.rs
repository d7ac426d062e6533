//! Modules, computations and instructions in XLA's notation.

use std::fmt::Write;

use super::attributes::write_attributes;
use super::data::*;
use super::literal::{general, write_constant};
use super::proto::{Aliases, Computation, Config, Donors, Frames, Instruction, Module};
use super::shape::{List, separator, write_entry_layout, write_shape};
use super::sharding::write_sharding;
use super::{HloModule, json, local};

/// The whole module's text.
pub(super) fn print(hlo: &HloModule) -> String {
    let module = &hlo.module;
    let mut out = format!("HloModule {}", module.name);
    write_header(module, hlo.config.as_ref(), &mut out);
    if let Some(frames) = &module.frames {
        write_frames(frames, &mut out);
    }
    out.push_str("\n\n");
    for &at in &hlo.index.order {
        let printer = Printer { hlo, at };
        // Asynchronous instructions that call it are printed as its root.
        if hlo.index.asynchronous[at] && printer.is_one_instruction() {
            continue;
        }
        printer.write_computation(&mut out);
        out.push_str("\n\n");
    }
    out
}

fn write_header(module: &Module, config: Option<&Config>, out: &mut String) {
    let mut part = |name: &str, value: String| write!(out, ", {name}={value}").expect("a string takes all");
    if module.schedule.is_some() {
        part("is_scheduled", "true".into());
    }
    if let Some(aliases) = module.input_output_alias.as_ref().filter(|aliases| !aliases.entries.is_empty()) {
        part("input_output_alias", aliases_text(aliases));
    }
    if let Some(donors) = module.buffer_donor.as_ref().filter(|donors| !donors.entries.is_empty()) {
        part("buffer_donor", donors_text(donors));
    }
    if config.is_some_and(|config| config.alias_passthrough_params) {
        part("alias_passthrough_params", "true".into());
    }
    if let Some(program) = config.map_or(module.program_shape.as_ref(), |config| config.entry_layout.as_ref())
    {
        let mut layout = String::from("{");
        write_entry_layout(program, &mut layout);
        layout.push('}');
        part("entry_computation_layout", layout);
    }
    if let Some(config) = config {
        let lists = [
            ("allow_spmd_sharding_propagation_to_parameters", &config.propagate_to_parameters),
            ("allow_spmd_sharding_propagation_to_output", &config.propagate_to_output),
        ];
        for (name, flags) in lists.iter().filter(|(_, flags)| !matches!(flags[..], [] | [false])) {
            part(name, format!("{{{}}}", List(flags)));
        }
        for (name, n) in [("replica_count", config.replica_count), ("num_partitions", config.num_partitions)]
        {
            if n > 1 {
                part(name, n.to_string());
            }
        }
    }
    if let Some(attributes) = module.frontend_attributes.as_ref().filter(|a| !a.map.is_empty()) {
        part("frontend_attributes", frontend_text(attributes));
    }
}

fn aliases_text(aliases: &Aliases) -> String {
    let entry = |alias: &super::proto::Alias| {
        let kind = if alias.kind == 2 { "must-alias" } else { "may-alias" };
        let (output, index) = (List(&alias.output), List(&alias.parameter_index));
        format!("{{{output}}}: ({}, {{{index}}}, {kind})", alias.parameter)
    };
    format!("{{ {} }}", aliases.entries.iter().map(entry).collect::<Vec<_>>().join(", "))
}

fn donors_text(donors: &Donors) -> String {
    let entry =
        |donor: &super::proto::Donor| format!("({}, {{{}}})", donor.parameter, List(&donor.parameter_index));
    format!("{{ {} }}", donors.entries.iter().map(entry).collect::<Vec<_>>().join(", "))
}

/// Appends the tables that instructions' frames are numbers in.
fn write_frames(frames: &Frames, out: &mut String) {
    if frames.frames.is_empty() {
        return;
    }
    let mut line = |text: std::fmt::Arguments<'_>| out.write_fmt(text).expect("a string takes all");
    line(format_args!("\n\nFileNames\n"));
    for (i, name) in (1..).zip(&frames.files) {
        line(format_args!("{i} \"{}\"\n", escaped(name.as_bytes())));
    }
    line(format_args!("\nFunctionNames\n"));
    for (i, name) in (1..).zip(&frames.functions) {
        line(format_args!("{i} \"{}\"\n", escaped(name.as_bytes())));
    }
    line(format_args!("\nFileLocations\n"));
    for (i, at) in (1..).zip(&frames.locations) {
        line(format_args!(
            "{i} {{file_name_id={} function_name_id={} line={} end_line={} column={} end_column={}}}\n",
            at.file, at.function, at.line, at.end_line, at.column, at.end_column
        ));
    }
    line(format_args!("\nStackFrames\n"));
    for (i, frame) in (1..).zip(&frames.frames) {
        // XLA counts parents from one in the message, too, but prints them one higher.
        let parent = i64::from(frame.parent) + 1;
        line(format_args!("{i} {{file_location_id={} parent_frame_id={parent}}}\n", frame.location));
    }
}

/// One computation of a module.
#[derive(Clone, Copy)]
pub(super) struct Printer<'a> {
    hlo: &'a HloModule,
    at: usize,
}

impl<'a> Printer<'a> {
    fn computation(self) -> &'a Computation {
        &self.hlo.module.computations[self.at]
    }

    /// The instruction of that id, which was checked to be there.
    pub(super) fn instruction(self, id: i64) -> &'a Instruction {
        &self.computation().instructions[self.hlo.index.instructions[self.at][&local(id)]]
    }

    /// The operand at that place, if there is one.
    pub(super) fn operand(self, of: &Instruction, at: usize) -> Option<&'a Instruction> {
        of.operand_ids.get(at).map(|&id| self.instruction(id))
    }

    /// The name of a computation that is called.
    pub(super) fn callee(self, id: i64) -> &'a str {
        &self.hlo.module.computations[self.hlo.index.computations[&id]].name
    }

    fn root(self) -> &'a Instruction {
        self.instruction(self.computation().root_id)
    }

    /// Whether the computation is one instruction on its parameters.
    fn is_one_instruction(self) -> bool {
        let root = local(self.computation().root_id);
        self.computation().instructions.iter().all(|i| local(i.id) == root || i.opcode == "parameter")
    }

    /// What an asynchronous instruction does, with the printer of its computation, where that is one instruction.
    pub(super) fn wrapped(self, instruction: &'a Instruction) -> Option<(Printer<'a>, &'a Instruction)> {
        let mut start = instruction;
        // As many steps at most as there are instructions: ids may go around in a circle.
        for _ in 0..self.computation().instructions.len() {
            match &start.opcode[..] {
                "async-start" => break,
                "async-update" | "async-done" => start = self.operand(start, 0)?,
                _ => return None,
            }
        }
        let called = *start.called_ids.first().filter(|_| start.opcode == "async-start")?;
        let callee = Printer { hlo: self.hlo, at: self.hlo.index.computations[&called] };
        callee.is_one_instruction().then(|| (callee, callee.root()))
    }

    fn write_computation(self, out: &mut String) {
        let computation = self.computation();
        if self.at == self.hlo.index.entry {
            out.push_str("ENTRY ");
        }
        write!(out, "%{} (", computation.name).expect("a string takes all");
        let mut parameters: Vec<&Instruction> =
            computation.instructions.iter().filter(|i| i.opcode == "parameter").collect();
        parameters.sort_by_key(|parameter| parameter.parameter_number);
        let default = Shape::default();
        for (i, parameter) in parameters.iter().enumerate() {
            write!(out, "{}{}: ", if i == 0 { "" } else { ", " }, parameter.name)
                .expect("a string takes all");
            write_shape(parameter.shape.as_ref().unwrap_or(&default), false, out);
        }
        out.push_str(") -> ");
        write_shape(self.root().shape.as_ref().unwrap_or(&default), false, out);
        out.push_str(" {\n");
        let schedule = self.hlo.module.schedule.as_ref();
        match schedule.and_then(|schedule| schedule.sequences.get(&computation.id)) {
            Some(sequence) => {
                sequence.instruction_ids.iter().for_each(|&id| self.write_line(self.instruction(id), out))
            }
            None => computation.instructions.iter().for_each(|instruction| self.write_line(instruction, out)),
        }
        out.push('}');
        if !matches!(&computation.execution_thread[..], "" | "main") {
            write!(out, ", execution_thread=\"{}\"", computation.execution_thread)
                .expect("a string takes all");
        }
    }

    fn write_line(self, instruction: &'a Instruction, out: &mut String) {
        let root = local(instruction.id) == local(self.computation().root_id);
        write!(out, "  {}%{} = ", if root { "ROOT " } else { "" }, instruction.name)
            .expect("a string takes all");
        write_shape(instruction.shape.as_ref().unwrap_or(&Shape::default()), true, out);
        out.push(' ');
        match (self.wrapped(instruction), instruction.opcode.strip_prefix("async")) {
            (Some((_, wrapped)), Some(suffix)) => out.extend([&wrapped.opcode[..], suffix]),
            _ => out.push_str(&instruction.opcode),
        }
        out.push('(');
        match &instruction.opcode[..] {
            "parameter" => write!(out, "{}", instruction.parameter_number).expect("a string takes all"),
            "constant" => write_constant(instruction.literal.as_ref(), out),
            _ => {
                for (i, &id) in instruction.operand_ids.iter().enumerate() {
                    separator(i, out);
                    out.extend(["%", &self.instruction(id).name]);
                }
            }
        }
        out.push(')');
        write_attributes(self, instruction, out);
        self.write_common(instruction, out);
        out.push('\n');
    }

    /// Appends what instructions of all opcodes may have.
    fn write_common(self, instruction: &'a Instruction, out: &mut String) {
        if let Some(sharding) = &instruction.sharding {
            out.push_str(", sharding=");
            write_sharding(sharding, out);
        }
        if let Some(attributes) = instruction.frontend_attributes.as_ref().filter(|a| !a.map.is_empty()) {
            out.extend([", frontend_attributes=", &frontend_text(attributes)]);
        }
        if !instruction.control_predecessor_ids.is_empty() {
            let names: Vec<String> = instruction
                .control_predecessor_ids
                .iter()
                .map(|&id| format!("%{}", self.instruction(id).name))
                .collect();
            write!(out, ", control-predecessors={{{}}}", names.join(", ")).expect("a string takes all");
        }
        if let Some(statistics) = instruction.statistics.as_ref().filter(|s| !s.statistics.is_empty()) {
            write!(out, ", statistics={{visualizing_index={}", statistics.visualized)
                .expect("a string takes all");
            for statistic in &statistics.statistics {
                write!(out, ",{}={}", statistic.name, general(statistic.value, 6))
                    .expect("a string takes all");
            }
            out.push('}');
        }
        match instruction.result_accuracy.as_ref().and_then(|accuracy| accuracy.accuracy.as_ref()) {
            Some(accuracy::Accuracy::Mode(1)) => out.push_str(", result_accuracy={mode=highest}"),
            Some(accuracy::Accuracy::Tolerance(tolerance)) => {
                let number = |x| general(x, 6);
                let (absolute, relative) = (number(tolerance.absolute), number(tolerance.relative));
                let units = tolerance.units;
                write!(
                    out,
                    ", result_accuracy={{tolerance={{atol={absolute},rtol={relative},ulps={units}}}}}"
                )
                .expect("a string takes all");
            }
            _ => {}
        }
        if let Some(original) = &instruction.original_value {
            out.push_str(", origin={");
            match original.is_synthetic_call {
                true => out.push_str("[synthetic_call]"),
                false => {
                    let default = Shape::default();
                    let shape = instruction.shape.as_ref().unwrap_or(&default);
                    write_origin(original, shape, &mut Vec::new(), out);
                }
            }
            out.push('}');
        }
        if let Some(metadata) = &instruction.metadata {
            let mut fields = String::new();
            write_metadata_fields(metadata, &mut fields);
            let says = !metadata.op_type.is_empty()
                || !metadata.op_name.is_empty()
                || !metadata.source_file.is_empty()
                || !metadata.scheduling_name.is_empty()
                || metadata.stack_frame_id != 0;
            if says {
                out.extend([", metadata={", &fields, "}"]);
            }
        }
        let config = self.backend_config(instruction);
        if !config.is_empty() {
            let sorted = std::str::from_utf8(config).ok().and_then(json::sorted);
            let config = sorted.as_ref().map_or(config, |sorted| sorted.as_bytes());
            out.extend([", backend_config=", &quoted_unless_json(config)]);
        }
    }

    /// What the backend is told, which may stand among the module's payloads.
    fn backend_config(self, instruction: &'a Instruction) -> &'a [u8] {
        use payload::Payload;
        let own = &instruction.backend_config;
        match instruction.backend_config_payload.as_ref().and_then(|payload| payload.payload.as_ref()) {
            Some(Payload::Value(bytes)) if own.is_empty() => bytes,
            Some(Payload::Id(id)) if own.is_empty() => {
                let payload = usize::try_from(*id).ok().and_then(|at| self.hlo.module.payloads.get(at));
                payload.map_or(&[], |bytes| bytes)
            }
            _ => own,
        }
    }
}

/// Appends where the leaves of a value came from.
fn write_origin(original: &OriginalValue, shape: &Shape, index: &mut Vec<i64>, out: &mut String) {
    if shape.element_type == super::shape::TUPLE {
        out.push('(');
        for (i, part) in shape.tuple_shapes.iter().enumerate() {
            out.push_str(if i == 0 { "" } else { ", " });
            index.push(i as i64);
            write_origin(original, part, index, out);
            index.pop();
        }
        out.push(')');
        return;
    }
    let array =
        original.elements.iter().find(|element| element.index == *index).and_then(|e| e.array.as_ref());
    match array {
        None => out.push_str("{}"),
        Some(array) => {
            let index =
                if array.index.is_empty() { String::new() } else { format!(" {{{}}}", List(&array.index)) };
            write!(out, "{{\"{}\"{index}}}", array.instruction).expect("a string takes all");
        }
    }
}

/// Appends what is known of an instruction's source.
pub(super) fn write_metadata_fields(metadata: &Metadata, out: &mut String) {
    let text = |name: &str, value: &str| {
        (!value.is_empty()).then(|| format!("{name}=\"{}\"", escaped(value.as_bytes())))
    };
    let number = |name: &str, value: i32| (value != 0).then(|| format!("{name}={value}"));
    let fields = [
        text("op_type", &metadata.op_type),
        text("op_name", &metadata.op_name),
        text("source_file", &metadata.source_file),
        number("source_line", metadata.source_line),
        number("source_end_line", metadata.source_end_line),
        number("source_column", metadata.source_column),
        number("source_end_column", metadata.source_end_column),
        (!metadata.profile_type.is_empty())
            .then(|| format!("profile_type={{{}}}", List(&metadata.profile_type))),
        text("deduplicated_name", &metadata.deduplicated_name),
        text("scheduling_name", &metadata.scheduling_name),
        number("stack_frame_id", metadata.stack_frame_id),
    ];
    out.push_str(&fields.into_iter().flatten().collect::<Vec<_>>().join(" "));
}

/// Attributes by name: those that look like a dictionary stand as they are, the others in quotes.
fn frontend_text(attributes: &FrontendAttributes) -> String {
    let entries: Vec<String> =
        attributes.map.iter().map(|(name, value)| format!("{name}={}", quoted_unless_json(value))).collect();
    format!("{{{}}}", entries.join(","))
}

fn quoted_unless_json(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(json) if json::is_dictionary(json) => json.to_owned(),
        _ => format!("\"{}\"", escaped(text)),
    }
}

/// Text with what is not printable as escapes of C.
pub(super) fn escaped(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'"' | b'\'' | b'\\' => out.extend(['\\', byte.into()]),
            b' '..=b'~' => out.push(byte.into()),
            _ => write!(out, "\\{byte:03o}").expect("a string takes all"),
        }
    }
    out
}
