//! The names that values have in text, as MLIR gives them.
//!
//! Results are numbered, the arguments of blocks are `%arg0`, and what an operation suggests a name for (`%cst`, `%iterArg`) gets
//! it, with a number after it where it is taken. A region continues the numbers of the block around it, after all of that
//! block's own.

use super::printer::push_int;
use crate::module::{Block, Func, Value};
use crate::ops::random::RngBitGenerator;
use crate::{ElementType, Op, Type};

/// Names that operations suggest.
const SUGGESTED: [&str; 14] = [
    "c",
    "cst",
    "iterArg",
    "input",
    "carry",
    "values",
    "indices",
    "output_state",
    "output",
    "batch_mean",
    "batch_var",
    "grad_operand",
    "grad_scale",
    "grad_offset",
];

#[derive(Clone, Copy, Debug)]
enum Name {
    Unknown,
    Number(u32),
    Arg(u32),
    /// A suggested name, alone.
    Plain(u8),
    /// A suggested name and a number.
    Numbered(u8, u32),
    /// Result `.1` of the several that have number `.0`.
    Part(u32, u32),
}

/// The names of one function's values.
#[derive(Debug)]
pub(super) struct Names(Vec<Name>);

/// What a region goes on from.
#[derive(Clone, Copy, Default)]
struct Counters {
    values: u32,
    args: u32,
    conflicts: u32,
    /// Suggested names in use, one bit each.
    used: u32,
}

impl Names {
    pub(super) fn new(func: &Func) -> Self {
        let mut names = Names(vec![Name::Unknown; func.values.len()]);
        names.block(func, &func.body, Counters::default(), |_| None);
        names
    }

    fn block(
        &mut self,
        func: &Func,
        block: &Block,
        mut counters: Counters,
        arg_name: impl Fn(usize) -> Option<&'static str>,
    ) {
        for (i, &arg) in block.args.iter().enumerate() {
            self.0[arg.index()] = match arg_name(i) {
                Some(name) => counters.suggest(name),
                None => {
                    counters.args += 1;
                    Name::Arg(counters.args - 1)
                }
            };
        }
        for operation in &block.ops {
            let results = &operation.results;
            let suggested: &[&str] = match &operation.op {
                Op::Constant(_) => match func.ty(results[0]) {
                    Type::Tensor(ty) if ty.element.is_integer() || ty.element == ElementType::I1 => &["c"],
                    _ => &["cst"],
                },
                Op::TopK(_) => &["values", "indices"],
                Op::RngBitGenerator(RngBitGenerator { .. }) => &["output_state", "output"],
                Op::BatchNormTraining(_) => &["output", "batch_mean", "batch_var"],
                Op::BatchNormGrad(_) => &["grad_operand", "grad_scale", "grad_offset"],
                _ => &[],
            };
            if suggested.len() == results.len() {
                for (value, name) in results.iter().zip(suggested) {
                    self.0[value.index()] = counters.suggest(name);
                }
            } else if let [result] = results[..] {
                self.0[result.index()] = Name::Number(counters.values);
                counters.values += 1;
            } else if !results.is_empty() {
                for (i, value) in results.iter().enumerate() {
                    self.0[value.index()] = Name::Part(counters.values, i as u32);
                }
                counters.values += 1;
            }
        }
        for operation in &block.ops {
            let arg_name = |i: usize| match &operation.op {
                Op::While(_) => Some("iterArg"),
                Op::Scan(scan) if (i as i64) < scan.operand_segments[0] => Some("input"),
                Op::Scan(_) => Some("carry"),
                _ => None,
            };
            for region in &operation.regions {
                self.block(func, region, counters, &arg_name as &dyn Fn(usize) -> Option<&'static str>);
            }
        }
    }

    /// Appends the names of an operation's results where they are defined: `%0`, `%0:2`, `%values, %indices`.
    pub(super) fn define(&self, results: &[Value], out: &mut String) {
        if let [first, _, ..] = results
            && let Some(Name::Part(n, _)) = self.0.get(first.index())
        {
            out.push('%');
            push_int((*n).into(), out);
            out.push(':');
            return push_int(results.len() as i64, out);
        }
        super::write::separated(results, out, |&value, out| self.write(value, out));
    }

    /// Appends `%name`, or `%name#i` for one of several results.
    pub(super) fn write(&self, value: Value, out: &mut String) {
        out.push('%');
        match self.0.get(value.index()).copied().unwrap_or(Name::Unknown) {
            Name::Unknown => {
                out.push_str("undefined");
                push_int(value.0.into(), out);
            }
            Name::Number(n) => push_int(n.into(), out),
            Name::Arg(n) => {
                out.push_str("arg");
                push_int(n.into(), out);
            }
            Name::Plain(name) => out.push_str(SUGGESTED[usize::from(name)]),
            Name::Numbered(name, n) => {
                out.push_str(SUGGESTED[usize::from(name)]);
                out.push('_');
                push_int(n.into(), out);
            }
            Name::Part(n, i) => {
                push_int(n.into(), out);
                out.push('#');
                push_int(i.into(), out);
            }
        }
    }
}

impl Counters {
    fn suggest(&mut self, name: &str) -> Name {
        let index = SUGGESTED.iter().position(|s| *s == name).expect("one of SUGGESTED") as u8;
        if self.used & 1 << index == 0 {
            self.used |= 1 << index;
            return Name::Plain(index);
        }
        self.conflicts += 1;
        Name::Numbered(index, self.conflicts - 1)
    }
}
