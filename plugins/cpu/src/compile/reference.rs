//! The reference evaluation of one operation as a kernel: slow, and right for every operation that has nothing better.

use jacinth_lowering::eval::eval_operation;
use jacinth_lowering::{Literal, Module, Op, Operation, TensorType, Type, Value};

use crate::error::{Error, Result};
use crate::kernels::{Cost, Kernel, KernelContext};

/// Evaluates one operation; inputs are its operands and then the values that its regions capture.
#[derive(Debug)]
pub(crate) struct Reference {
    module: Module,
    operation: Operation,
    /// Types of all values that the operation's regions name, by index.
    types: Vec<Type>,
    captured: Vec<Value>,
    operands: Vec<TensorType>,
    results: Vec<TensorType>,
}

impl Reference {
    /// The kernel; an error for operations that the reference evaluation cannot do inside a running program.
    pub(crate) fn new(
        operation: &Operation,
        captured: &[Value],
        types: &[Type],
        operands: Vec<TensorType>,
        results: Vec<TensorType>,
    ) -> Result<Reference> {
        match &operation.op {
            Op::AllReduce(_)
            | Op::AllGather(_)
            | Op::AllToAll(_)
            | Op::ReduceScatter(_)
            | Op::CollectivePermute(_)
            | Op::CollectiveBroadcast(_)
            | Op::PartitionId(_)
            | Op::ReplicaId(_)
            | Op::Infeed(_)
            | Op::Outfeed(_)
            | Op::Send(_)
            | Op::Recv(_)
            | Op::Rng(_) => {
                return Err(Error::unimplemented(format!("{} is not supported yet", operation.op.name())));
            }
            Op::CustomCall(op) => {
                return Err(Error::unimplemented(format!(
                    "custom_call: there is no target called {} in this plugin",
                    op.call_target_name
                )));
            }
            _ => {}
        }
        Ok(Reference {
            module: Module::default(),
            operation: operation.clone(),
            types: types.to_vec(),
            captured: captured.to_vec(),
            operands,
            results,
        })
    }

    fn literal(ty: &TensorType, pointer: *const u8) -> jacinth_lowering::Result<Literal> {
        let bytes = ty.byte_size().unwrap_or(0);
        // SAFETY: kernels' inputs point to dense arrays of the types that the kernel was built for.
        let data = unsafe { std::slice::from_raw_parts(pointer, bytes) };
        Literal::from_bytes(ty.clone(), data)
    }
}

impl Kernel for Reference {
    unsafe fn run(&self, _: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let (own, around) = inputs.split_at(self.operands.len());
        let operands: Vec<Literal> = self
            .operands
            .iter()
            .zip(own)
            .map(|(ty, &pointer)| Self::literal(ty, pointer))
            .collect::<jacinth_lowering::Result<_>>()?;
        let captured: Vec<(Value, Literal)> = self
            .captured
            .iter()
            .zip(around)
            .map(|(&v, &pointer)| {
                let ty = self.types[v.index()].as_tensor().expect("every value of a graph is a tensor");
                Ok((v, Self::literal(ty, pointer)?))
            })
            .collect::<jacinth_lowering::Result<_>>()?;
        let results = eval_operation(&self.module, &self.types, &self.operation, &operands, &captured)?;
        for ((literal, ty), &output) in results.iter().zip(&self.results).zip(outputs) {
            let bytes = literal.to_bytes();
            debug_assert_eq!(Some(bytes.len()), ty.byte_size());
            // SAFETY: outputs point to arrays of the result types.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), output, bytes.len()) };
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        // Many allocations and dispatches per element.
        let elements: usize =
            self.operands.iter().chain(&self.results).filter_map(TensorType::num_elements).sum();
        Cost::new(100 * elements as u64 + 10_000, &self.operands, &self.results)
    }
}
