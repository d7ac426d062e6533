//! HLO: what XLA prints of a module is what is printed here, and no bytes make the reader or the printer fail other than by an error.

use std::path::PathBuf;

use jacinth_lowering::hlo::HloModule;

/// Names, messages and texts of the modules in `hlo/`, which `hlo/generate.py` writes.
fn goldens() -> Vec<(String, Vec<u8>, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/hlo");
    let mut goldens: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "pb"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().replace(".hlo.pb", "");
            let text = std::fs::read_to_string(path.with_extension("txt")).expect("readable");
            (name, std::fs::read(path).expect("readable"), text)
        })
        .collect();
    goldens.sort();
    assert!(goldens.len() > 35, "goldens are missing");
    goldens
}

fn decode(name: &str, message: &[u8]) -> jacinth_lowering::Result<HloModule> {
    match name.starts_with("compiled_") {
        true => HloModule::decode_with_config(message),
        false => HloModule::decode(message),
    }
}

#[test]
fn modules_are_printed_as_xla_prints_them() {
    let mut different = Vec::new();
    for (name, message, text) in goldens() {
        let printed = decode(&name, &message).unwrap_or_else(|e| panic!("{name}: {e}")).to_string();
        if printed != text {
            let at = printed.lines().zip(text.lines()).position(|(ours, xlas)| ours != xlas);
            let line = |text: &str| text.lines().nth(at.unwrap_or(0)).unwrap_or_default().to_owned();
            let (number, ours, xlas) = (at.map_or(0, |at| at + 1), line(&printed), line(&text));
            different.push(format!("{name}:{number}:\n  ours:  {ours}\n  XLA's: {xlas}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn the_module_is_the_same_with_its_configuration_and_without() {
    for (name, message, _) in goldens().into_iter().filter(|golden| golden.0.starts_with("compiled_")) {
        let with = decode(&name, &message).unwrap();
        // The first field of the message is the module: its tag, its length, and itself.
        let length = message[1..].iter().take_while(|&&byte| byte >= 128).count() + 1;
        let size = (0..length).rev().fold(0, |size, i| size << 7 | usize::from(message[1 + i] & 127));
        let bare = HloModule::decode(&message[1 + length..][..size]).unwrap();
        assert_eq!(bare.name(), with.name());
        let body = |module: &HloModule| module.to_string().split_once('\n').expect("a header").1.to_owned();
        assert_eq!(body(&bare), body(&with), "{name}");
        assert!(!bare.to_string().contains("allow_spmd_sharding_propagation"), "{name}");
    }
}

#[test]
fn bytes_cut_off_are_an_error_or_a_shorter_module() {
    for (name, message, text) in goldens() {
        let (mut refused, step) = (0, message.len() / 100 + 1);
        let cuts: Vec<usize> = (0..message.len()).step_by(step).collect();
        for &cut in &cuts {
            match decode(&name, &message[..cut]) {
                Ok(module) => assert!(module.to_string().len() <= text.len(), "{name} cut at {cut}"),
                Err(error) => {
                    assert!(
                        error.message.contains("HLO module") || error.message.contains("HloModule"),
                        "{error}"
                    );
                    refused += 1;
                }
            }
        }
        // Only what stands behind the computations may be missing.
        assert!(refused * 4 > cuts.len(), "{name}: {refused} of {} were refused", cuts.len());
    }
}

#[test]
fn no_byte_makes_the_reader_or_the_printer_panic() {
    let mut state = 0x5EED_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut refused, mut printed) = (0, 0);
    for (name, message, _) in goldens().into_iter().filter(|golden| golden.1.len() < 12_000) {
        for _ in 0..150 {
            let mut broken = message.clone();
            for _ in 0..1 + random(3) {
                let at = random(broken.len());
                broken[at] ^= 1 << random(8);
            }
            match decode(&name, &broken) {
                Ok(module) => {
                    printed += 1;
                    assert!(module.to_string().starts_with("HloModule "), "{name}");
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.message.is_empty());
                }
            }
        }
    }
    assert!(refused > 1000 && printed > 100, "{refused} refused, {printed} printed");
}

#[test]
fn what_is_missing_is_named() {
    let text = |error: jacinth_lowering::Error| error.to_string();
    assert_eq!(text(HloModule::decode(&[]).unwrap_err()), "HLO module \"\": there is no entry computation 0");
    assert_eq!(
        text(HloModule::decode_with_config(&[]).unwrap_err()),
        "an HloModuleProtoWithConfig has no module"
    );
    let nonsense = text(HloModule::decode(b"module @jit_f {}").unwrap_err());
    assert!(nonsense.starts_with("an HLO module is not an HloModuleProto: "), "{nonsense}");
    // A module of one computation, whose root is not among its instructions.
    let rootless = [0x0a, 1, b'm', 0x1a, 7, 0x0a, 1, b'c', 0x28, 1, 0x30, 9, 0x30, 1];
    let rootless = text(HloModule::decode(&rootless).unwrap_err());
    assert_eq!(rootless, "HLO module \"m\": %c has no instruction 9, the root of %c");
}

#[test]
fn unknown_opcodes_are_printed_with_what_all_opcodes_have() {
    // main { x = parameter(0); ROOT y = frobnicate(x) } of f32[], with a backend's configuration that is no text.
    let x = [
        0x0a, 1, b'x', 0x12, 9, b'p', b'a', b'r', b'a', b'm', b'e', b't', b'e', b'r', 0x1a, 2, 0x10, 11,
        0x98, 2, 1,
    ];
    let mut y = vec![0x0a, 1, b'y', 0x12, 10];
    y.extend_from_slice(b"frobnicate");
    y.extend_from_slice(&[0x1a, 2, 0x10, 11, 0x98, 2, 2, 0xa2, 2, 1, 1, 0xda, 2, 2, 0xff, b'"']);
    let mut main = vec![0x0a, 4, b'm', b'a', b'i', b'n'];
    for instruction in [&x[..], &y] {
        main.extend_from_slice(&[0x12, instruction.len() as u8]);
        main.extend_from_slice(instruction);
    }
    main.extend_from_slice(&[0x28, 3, 0x30, 2]);
    let mut module = vec![0x0a, 1, b'm', 0x1a, main.len() as u8];
    module.extend_from_slice(&main);
    module.extend_from_slice(&[0x30, 3]);
    let text = HloModule::decode(&module).unwrap().to_string();
    let line = "  ROOT %y = f32[] frobnicate(%x), backend_config=\"\\377\\\"\"\n";
    assert!(text.contains(line), "{text}");
}
