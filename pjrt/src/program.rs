//! A program to compile, and the check of the options it is compiled with.

use crate::error::{Error, Result};
use pjrt_sys as sys;
use std::borrow::Cow;

/// A program in one of the formats that PJRT names; it borrows its code or owns it.
///
/// ```
/// # use jacinth_pjrt::Program;
/// let program = Program::mlir("func.func @main() { return }");
/// assert_eq!((program.format(), program.code().len()), ("mlir", 28));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program<'a> {
    format: Cow<'a, str>,
    code: Cow<'a, [u8]>,
}

impl<'a> Program<'a> {
    /// A program in any format that the plugin knows.
    ///
    /// ```
    /// # use jacinth_pjrt::Program;
    /// let bytes: Vec<u8> = vec![0, 1, 2];
    /// assert_eq!(Program::new("hlo_with_config", bytes).format(), "hlo_with_config");
    /// ```
    pub fn new(format: impl Into<Cow<'a, str>>, code: impl Into<Cow<'a, [u8]>>) -> Program<'a> {
        Program { format: format.into(), code: code.into() }
    }

    /// StableHLO as MLIR text, MLIR bytecode or a portable artifact (`"mlir"`).
    ///
    /// ```
    /// # use jacinth_pjrt::Program;
    /// assert_eq!(Program::mlir("module {}"), Program::new("mlir", b"module {}".as_slice()));
    /// ```
    pub fn mlir(code: &'a (impl AsRef<[u8]> + ?Sized)) -> Program<'a> {
        Program::new("mlir", code.as_ref())
    }

    /// A serialised `HloModuleProto` (`"hlo"`).
    ///
    /// ```
    /// # use jacinth_pjrt::Program;
    /// assert_eq!(Program::hlo(&[10, 0]).format(), "hlo");
    /// ```
    pub fn hlo(code: &'a (impl AsRef<[u8]> + ?Sized)) -> Program<'a> {
        Program::new("hlo", code.as_ref())
    }

    /// The format's name.
    pub fn format(&self) -> &str {
        &self.format
    }

    /// The code.
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// The C form; it borrows from `self`.
    pub(crate) fn to_abi(&self) -> sys::PJRT_Program {
        let mut program = <sys::PJRT_Program as sys::AbiStruct>::new();
        // The field is mutable for the query that fills it; a program to compile is only read.
        program.code = self.code.as_ptr().cast_mut().cast();
        program.code_size = self.code.len();
        program.format = self.format.as_ptr().cast();
        program.format_size = self.format.len();
        program
    }
}

/// Refuses options that make XLA's plugins abort: empty ones, and those without a replica or a partition.
pub(crate) fn check_compile_options(function: &'static str, options: &[u8]) -> Result<()> {
    const BUILD_OPTIONS: u64 = 3;
    const NUM_REPLICAS: u64 = 4;
    const NUM_PARTITIONS: u64 = 5;
    if options.is_empty() {
        return Err(Error::invalid(
            function,
            "the compile options are empty: a CompileOptionsProto with num_replicas and num_partitions is needed",
        ));
    }
    let malformed =
        || Error::invalid(function, "the compile options are not a serialised CompileOptionsProto");
    // Of a field that occurs twice the last counts, and messages merge.
    let (mut replicas, mut partitions) = (0, 0);
    let mut fields = Fields(options);
    while let Some((number, value)) = fields.read().ok_or_else(malformed)? {
        let (BUILD_OPTIONS, Field::Bytes(bytes)) = (number, value) else { continue };
        let mut fields = Fields(bytes);
        while let Some((number, value)) = fields.read().ok_or_else(malformed)? {
            match (number, value) {
                (NUM_REPLICAS, Field::Varint(value)) => replicas = value as i64,
                (NUM_PARTITIONS, Field::Varint(value)) => partitions = value as i64,
                _ => {}
            }
        }
    }
    if replicas < 1 || partitions < 1 {
        return Err(Error::invalid(
            function,
            format!(
                "the compile options ask for {replicas} replicas and {partitions} partitions: both must be at least 1"
            ),
        ));
    }
    Ok(())
}

/// The fields of a protobuf message, by the wire format.
struct Fields<'a>(&'a [u8]);

enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Fields<'a> {
    /// The next field; `Some(None)` at the end, `None` where the bytes are not a message.
    fn read(&mut self) -> Option<Option<(u64, Field<'a>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => self.take(8).map(|_| Field::Other)?,
            2 => {
                let len = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(len)?)
            }
            5 => self.take(4).map(|_| Field::Other)?,
            _ => return None,
        };
        Some(Some((key >> 3, field)))
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8]) -> Result<(), String> {
        check_compile_options("f", bytes).map_err(|error| error.message)
    }

    #[test]
    fn options_with_a_replica_and_a_partition_pass() {
        assert_eq!(check(&[0x1a, 4, 0x20, 1, 0x28, 1]), Ok(()));
        let four_with_shardy = [
            0x1a, 0x14, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0x20, 1, 0x28, 4, 0x30, 1, 0x98,
            1, 1,
        ];
        assert_eq!(check(&four_with_shardy), Ok(()));
    }

    #[test]
    fn options_that_abort_a_plugin_are_sentences() {
        assert!(check(&[]).unwrap_err().starts_with("the compile options are empty"));
        assert_eq!(
            check(&[0x1a, 2, 0x20, 1]).unwrap_err(),
            "the compile options ask for 1 replicas and 0 partitions: both must be at least 1"
        );
        assert!(check(&[0x1a, 0]).unwrap_err().contains("0 replicas"));
        for malformed in [&[0x1a, 9, 0x20][..], &[0xff], &[0x1b], &[0x80; 12]] {
            assert_eq!(
                check(malformed).unwrap_err(),
                "the compile options are not a serialised CompileOptionsProto"
            );
        }
    }
}
