//! Backend configurations, which are JSON where the backend wrote them as messages: XLA prints their keys in order.

/// How deep values may be nested; what is deeper is left as it is.
const DEEPEST: usize = 64;

/// The same value with the keys of all objects in order and without blanks; `None` if the text is no JSON.
pub(super) fn sorted(text: &str) -> Option<String> {
    let mut rest = text;
    let value = value(&mut rest, 0)?;
    rest.trim_start().is_empty().then_some(value)
}

/// Whether the text is from brace to matching brace, braces in quotes not counted.
pub(super) fn is_dictionary(text: &str) -> bool {
    let (mut depth, mut quoted, mut bytes) = (0usize, false, text.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quoted => _ = bytes.next(),
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted && depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return bytes.len() == 0;
                }
            }
            _ => {}
        }
        if depth == 0 {
            return false;
        }
    }
    false
}

fn value(rest: &mut &str, depth: usize) -> Option<String> {
    *rest = rest.trim_start();
    match rest.as_bytes().first()? {
        b'{' if depth < DEEPEST => {
            let mut fields = items(rest, '}', |rest| {
                *rest = rest.trim_start();
                let name = string(rest)?;
                *rest = rest.trim_start().strip_prefix(':')?;
                Some((name, value(rest, depth + 1)?))
            })?;
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            let fields: Vec<String> =
                fields.into_iter().map(|(name, value)| format!("{name}:{value}")).collect();
            Some(format!("{{{}}}", fields.join(",")))
        }
        b'[' if depth < DEEPEST => {
            let items = items(rest, ']', |rest| value(rest, depth + 1))?;
            Some(format!("[{}]", items.join(",")))
        }
        b'"' => string(rest),
        _ => {
            let end = rest.find([',', '}', ']', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            *rest = tail;
            let plain =
                matches!(word, "true" | "false" | "null") || word.parse::<f64>().is_ok_and(f64::is_finite);
            plain.then(|| word.to_owned())
        }
    }
}

/// What stands between the bracket at the start and the one that closes it, with commas between.
fn items<T>(rest: &mut &str, close: char, mut item: impl FnMut(&mut &str) -> Option<T>) -> Option<Vec<T>> {
    *rest = rest[1..].trim_start();
    let mut items = Vec::new();
    if let Some(tail) = rest.strip_prefix(close) {
        *rest = tail;
        return Some(items);
    }
    loop {
        items.push(item(rest)?);
        *rest = rest.trim_start();
        if let Some(tail) = rest.strip_prefix(close) {
            *rest = tail;
            return Some(items);
        }
        *rest = rest.strip_prefix(',')?;
    }
}

/// A string with its quotes, as it stands.
fn string(rest: &mut &str) -> Option<String> {
    let mut bytes = rest.bytes().enumerate();
    bytes.next().filter(|&(_, byte)| byte == b'"')?;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'"' => {
                let (text, tail) = rest.split_at(at + 1);
                *rest = tail;
                return Some(text.to_owned());
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let text = r#" { "b" : 1.5e3, "a":[{"z":true, "y":"}\"{"} , [ ] , {}],"a.b":-1 } "#;
        let expected = r#"{"a":[{"y":"}\"{","z":true},[],{}],"a.b":-1,"b":1.5e3}"#;
        assert_eq!(sorted(text).as_deref(), Some(expected));
    }

    #[test]
    fn what_is_no_json_is_not_touched() {
        for text in [
            "",
            "{",
            r#"{"a":1"#,
            r#"{"a":}"#,
            "{a:1}",
            r#"{"a":1}x"#,
            "{index = 0 : ui64}",
            r#"{"a":1,}"#,
            "[1 2]",
        ] {
            assert_eq!(sorted(text), None, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(sorted(&deep), None);
    }

    #[test]
    fn dictionaries_begin_and_end_with_braces() {
        for text in ["{}", r#"{"a":"}"}"#, "{index = 0 : ui64}", "{{}{}}"] {
            assert!(is_dictionary(text), "{text}");
        }
        for text in ["", "{", "}", "x{}", "{}x", "{}{}", r#"{"a":"}"#] {
            assert!(!is_dictionary(text), "{text}");
        }
    }
}
