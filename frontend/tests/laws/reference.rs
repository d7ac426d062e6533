//! The module of a law's program: its text read again is the module, and the reference evaluation gives what the plugin gave.

use jacinth_frontend::jit;
use jacinth_lowering::{Error, ErrorKind, Literal, Module, eval};

use crate::variants::Variant;
use crate::{Arrays, Program, host};

/// The laws for the program of a family that gave these results.
pub(crate) fn check(
    program: &Program<'_>,
    results: &[Vec<Vec<Literal>>],
    family: &[Variant],
) -> Result<(), String> {
    let inputs: Vec<Arrays> = program.inputs.iter().map(|x| x.iter().map(host::upload).collect()).collect();
    let lowered = jit(&program.compute).keep_unused(true).lower((&inputs,)).map_err(|e| e.to_string())?;
    let module = lowered.module();
    let text = lowered.as_text();
    let again = Module::parse(&text).map_err(|e| format!("the module's text is not read: {e}\n{text}"))?;
    again.verify().map_err(|e| format!("the module is not legal: {e}\n{text}"))?;
    if again.to_text() != text {
        return Err(format!("the module's text, read and printed, is another:\n{text}\n{}", again.to_text()));
    }
    // Loops take the reference evaluation long: those of the values are enough.
    if text.contains("stablehlo.while") && results.iter().any(|pieces| pieces.len() > 1) {
        return Ok(());
    }
    let inputs: Vec<Literal> = program.inputs.iter().flatten().cloned().collect();
    let params = module.main().map_or(0, |main| main.body.args.len());
    if params != inputs.len() {
        // What a closure captured is passed in front, and not known here.
        return Err(format!("the module takes {params} operands, {} are given", inputs.len()));
    }
    let outs = match eval::evaluate(&again, &inputs) {
        Ok(outs) => outs,
        // Factorisations of LAPACK and calls of the host are what plugins know.
        Err(Error { kind: ErrorKind::Unsupported, message, .. }) if message.starts_with("custom_call") => {
            return Ok(());
        }
        Err(error) => return Err(format!("the reference evaluation: {error}\n{text}")),
    };
    let mut outs = outs.into_iter();
    for (variant, pieces) in family.iter().zip(results) {
        for (i, piece) in pieces.iter().enumerate() {
            let expected: Vec<Literal> = outs.by_ref().take(piece.len()).collect();
            let what = format!("{}, piece {i}, plugin and reference", variant.name);
            host::all_near(&what, piece, &expected, variant.units(16.0))?;
        }
    }
    Ok(())
}
