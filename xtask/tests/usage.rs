//! The program as it is called: what it says when it is called wrongly.

use std::process::{Command, Output};

fn xtask(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(args)
        .output()
        .expect("the program was built with this test")
}

#[test]
fn without_a_chore_the_chores_are_listed() {
    for args in [&[][..], &["no-such-chore"]] {
        let out = xtask(args);
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{text}");
        for chore in ["compare", "conformance", "plugins", "tpu-compile"] {
            assert!(
                text.lines().any(|line| line.trim_start().starts_with(chore)),
                "{chore} is not in {text}"
            );
        }
    }
}

#[test]
fn a_chore_that_fails_says_so_and_is_no_success() {
    for args in [&["conformance", "no/such/folder"][..], &["plugins", "no-such-plugin"]] {
        let out = xtask(args);
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(1), "{text}");
        assert!(text.contains(args[1]), "{text}");
    }
}
