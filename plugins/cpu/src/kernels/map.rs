//! `map`: a region applied to every element. The compiler inlines most maps into elementwise regions; this is for the rest.

use std::sync::Arc;

use crate::Result;

use super::strided::{Source, Target, product};
use super::{Builder, Built, Cost, Kernel, KernelContext, RegionFn};

#[derive(Debug)]
struct Map {
    region: Arc<dyn RegionFn>,
    /// Bytes of each operand's elements, and of the result's.
    widths: Vec<usize>,
    result: usize,
    elements: usize,
    cost: Cost,
}

pub(super) fn map(b: &Builder<'_>) -> Built {
    let Some(region) = b.cx.compile_region(&b.regions[0])? else { return Ok(None) };
    let elements = product(&b.results[0].shape);
    let widths = b.operands.iter().map(|ty| ty.element.byte_width()).collect();
    let cost = b.cost(elements as u64);
    Ok(Some(Box::new(Map { region, widths, result: b.results[0].element.byte_width(), elements, cost })))
}

impl Kernel for Map {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let sources: Vec<Source<u8>> = inputs.iter().map(|&p| Source(p)).collect();
        let out = Target(outputs[0]);
        cx.ranges(self.elements, 1 << 13, |r| {
            let args: Vec<*const u8> = (sources.iter().zip(&self.widths))
                .map(|(p, width)| p.get().wrapping_add(r.start * width))
                .collect();
            // SAFETY: ranges are disjoint parts of the operands and the result.
            unsafe { self.region.call(r.len(), &args, &[out.get().add(r.start * self.result)]) };
        });
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

#[cfg(test)]
mod tests {
    use crate::kernels::tests::{Array, Regions, run_with, ty};
    use jacinth_lowering::ops::elementwise::Binary;
    use jacinth_lowering::{ElementType, ops::reduce};

    #[test]
    fn every_element_is_mapped() {
        let n = 40_000i64;
        let x = Array::of([n], &(0..n).map(|i| i as f32).collect::<Vec<_>>());
        let y = Array::of([n], &vec![2f32; n as usize]);
        let regions = Regions::binary(ElementType::F32, Binary::Subtract);
        let op = reduce::Map { dimensions: [0].into_iter().collect() };
        let out = run_with(&op.into(), &[x, y], &[ty(&[n], ElementType::F32)], &regions);
        assert!(out[0].values::<f32>().iter().enumerate().all(|(i, &v)| v == i as f32 - 2.0));
    }
}
