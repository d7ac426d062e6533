//! Regions of kernels (a reduction's, a sort's comparator) as tile programs over lanes.

use jacinth_lowering::{Block, ElementType, Op, Type, Value};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::codegen::{Emit, Operand, TileBuilder};
use super::tile::TileProgram;
use super::view::View;
use crate::kernels::RegionFn;
use crate::simd::Level;

/// A block of scalar operations, compiled to run for many lanes at once.
#[derive(Debug)]
pub(crate) struct Region {
    program: TileProgram,
}

impl Region {
    /// Compiles a block; `None` where it is not made of elementwise operations on scalars alone.
    pub(crate) fn compile(block: &Block, types: &[Type], level: Level) -> Option<Region> {
        let element = |v: Value| -> Option<ElementType> {
            let ty = types[v.index()].as_tensor()?;
            ty.shape.is_empty().then_some(ty.element)
        };
        let mut builder = TileBuilder::new(level);
        let mut values: FxHashMap<Value, Operand> = FxHashMap::default();
        // Any length will do for a view that says "as they lie".
        let lanes = View::dense(&[2]);
        for (i, &arg) in block.args.iter().enumerate() {
            values.insert(arg, builder.load(i, element(arg)?.byte_width(), &lanes));
        }
        for operation in &block.ops {
            let [result] = operation.results[..] else { return None };
            let ty = element(result)?;
            let value = match &operation.op {
                Op::Constant(op) => builder.constant(op.value.as_splat()?),
                Op::Reshape(_) | Op::BroadcastInDim(_) => {
                    element(operation.operands[0])?;
                    *values.get(&operation.operands[0])?
                }
                op => {
                    let operands: SmallVec<[Operand; 3]> =
                        operation.operands.iter().map(|v| values.get(v).copied()).collect::<Option<_>>()?;
                    let types: SmallVec<[ElementType; 3]> =
                        operation.operands.iter().map(|&v| element(v)).collect::<Option<_>>()?;
                    builder.op(op, &operands, &types, ty)?
                }
            };
            values.insert(result, value);
        }
        let mut emits = Vec::with_capacity(block.results.len());
        for result in &block.results {
            let value = builder.spread(*values.get(result)?);
            emits.push(Emit::Elements { value, deferred: false });
        }
        Some(Region { program: builder.finish(0, &emits, None) })
    }
}

impl RegionFn for Region {
    unsafe fn call(&self, lanes: usize, inputs: &[*const u8], outputs: &[*mut u8]) {
        // SAFETY: as promised by the caller.
        unsafe { self.program.run_lanes(lanes, inputs, outputs) }
    }
}
