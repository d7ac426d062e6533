//! The program after a plugin's optimisations, as text.

use jacinth_lowering::hlo::HloModule;

use crate::error::Result;

/// The text of an optimised program: StableHLO as the plugin wrote it, or HLO in XLA's notation.
///
/// Errors if the format is another one, or the bytes are not of the format.
pub(crate) fn optimized_text(program: &jacinth_pjrt::Program<'_>) -> Result<String> {
    let code = program.code();
    match program.format() {
        "hlo" => Ok(HloModule::decode(code)?.to_string()),
        "hlo_with_config" => Ok(HloModule::decode_with_config(code)?.to_string()),
        "mlir" if code.starts_with(b"ML\xefR") => {
            Err(unreadable("as MLIR bytecode, and only MLIR text is read here"))
        }
        "mlir" => match std::str::from_utf8(code) {
            Ok(text) => Ok(text.trim_end_matches('\0').to_owned()),
            Err(_) => Err(unreadable("as \"mlir\", but it is neither text nor bytecode")),
        },
        other => Err(unreadable(&format!("in the format {other:?}, which is not read here"))),
    }
}

fn unreadable(how: &str) -> crate::Error {
    jacinth_lowering::Error::unsupported(format!("the plugin gives its optimised program {how}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jacinth_pjrt::Program;

    #[test]
    fn each_format_is_read_or_refused_with_a_sentence() {
        let text = |format: &str, code: &[u8]| {
            optimized_text(&Program::new(format, code)).map_err(|e| e.to_string())
        };
        assert_eq!(text("mlir", b"module {}\n\0").unwrap(), "module {}\n");
        let bytecode = text("mlir", b"ML\xefR\x01").unwrap_err();
        assert!(bytecode.contains("the plugin gives its optimised program as MLIR bytecode"), "{bytecode}");
        let binary = text("mlir", b"\xff\xfe").unwrap_err();
        assert!(binary.contains("neither text nor bytecode"), "{binary}");
        let other = text("llvm", b"define").unwrap_err();
        assert!(other.contains("in the format \"llvm\", which is not read here"), "{other}");
        for format in ["hlo", "hlo_with_config"] {
            let error = text(format, b"\xff").unwrap_err();
            assert!(error.contains("an HLO module is not an HloModuleProto"), "{format}: {error}");
        }
    }
}
