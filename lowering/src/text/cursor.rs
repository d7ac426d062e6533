//! A place in a text, and the tokens that begin there.
//!
//! Whitespace and `//` comments before a token never matter. Nothing here allocates but strings with escapes and errors.

use crate::{Error, ErrorKind, Result, Shape};

/// Where reading has got to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    pos: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Cursor { text, pos: 0 }
    }

    /// The position in bytes, after whitespace.
    #[inline]
    pub(super) fn pos(&mut self) -> usize {
        self.skip();
        self.pos
    }

    /// Goes to a position that was one before.
    pub(super) fn seek(&mut self, pos: usize) {
        self.pos = pos;
    }

    /// The text from a position to where reading has got to.
    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text[start..self.pos].trim_end()
    }

    /// What has not been read.
    #[inline]
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.pos..]
    }

    /// An error at the next token.
    pub(super) fn error<T>(&mut self, message: impl Into<String>) -> Result<T> {
        let pos = self.pos();
        Err(self.error_at(pos, Error::parse(message)))
    }

    /// An error at the next token that what stands there is not supported.
    pub(super) fn unsupported<T>(&mut self, message: impl Into<String>) -> Result<T> {
        let pos = self.pos();
        Err(self.error_at(pos, Error::new(ErrorKind::Unsupported, message)))
    }

    /// The error with line and column of a position.
    pub(super) fn error_at(&self, pos: usize, error: Error) -> Error {
        let before = &self.text[..pos];
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        error.at(format_args!("{line}:{column}"))
    }

    #[inline]
    fn skip(&mut self) {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.pos) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.pos += 1,
                Some(b'/') if bytes.get(self.pos + 1) == Some(&b'/') => self.skip_line(),
                _ => return,
            }
        }
    }

    /// Goes to the end of the line.
    pub(super) fn skip_line(&mut self) {
        self.pos += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    /// The first byte of the next token; 0 at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> u8 {
        self.skip();
        self.text.as_bytes().get(self.pos).copied().unwrap_or(0)
    }

    /// The byte that directly follows; 0 at the end.
    #[inline]
    fn next_byte(&self) -> u8 {
        self.text.as_bytes().get(self.pos).copied().unwrap_or(0)
    }

    pub(super) fn at_end(&mut self) -> bool {
        self.skip();
        self.pos == self.text.len()
    }

    /// Whether the next token begins so, without taking it.
    #[inline]
    pub(super) fn starts(&mut self, token: &str) -> bool {
        self.skip();
        self.rest().as_bytes().starts_with(token.as_bytes())
    }

    /// Takes punctuation if it is next.
    #[inline]
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.starts(token);
        if found {
            self.pos += token.len();
        }
        found
    }

    /// Takes punctuation that must be next.
    #[inline]
    pub(super) fn expect(&mut self, token: &str) -> Result<()> {
        match self.eat(token) {
            true => Ok(()),
            false => Err(self.unexpected(token)),
        }
    }

    #[cold]
    fn unexpected(&mut self, token: &str) -> Error {
        let (pos, found) = (self.pos(), self.found());
        self.error_at(pos, Error::parse(format!("expected '{token}', found {found}")))
    }

    /// Takes a word if it is next, whole.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let mut ahead = *self;
        if ahead.word() == Some(word) {
            *self = ahead;
            return true;
        }
        false
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<()> {
        match self.eat_word(word) {
            true => Ok(()),
            false => Err(self.unexpected(word)),
        }
    }

    /// A description of the next token.
    pub(super) fn found(&mut self) -> String {
        self.skip();
        let rest = self.rest();
        let end = rest.char_indices().skip(1).find(|&(_, c)| !is_word(c as u32 as u8) || !c.is_ascii());
        match rest {
            "" => "the end of the text".to_string(),
            _ => format!("'{}'", &rest[..end.map_or(rest.len(), |e| e.0).min(40)]),
        }
    }

    /// A bare identifier: `stablehlo.add`.
    pub(super) fn word(&mut self) -> Option<&'t str> {
        match self.peek() {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Some(self.run(is_word)),
            _ => None,
        }
    }

    /// A bare identifier, or an error that says what was expected.
    pub(super) fn need_word(&mut self, what: &str) -> Result<&'t str> {
        match self.word() {
            Some(word) => Ok(word),
            None => {
                let found = self.found();
                self.error(format!("expected {what}, found {found}"))
            }
        }
    }

    /// What follows a sigil such as `%`, `^`, `#` or `!`: `arg0`, `0`, `loc12`.
    pub(super) fn suffix(&mut self) -> &'t str {
        self.run(|b| is_word(b) || b == b'-')
    }

    #[inline]
    fn run(&mut self, of: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !of(byte)).unwrap_or(rest.len());
        self.pos += length;
        &rest[..length]
    }

    /// Decimal digits directly following, as a number.
    pub(super) fn digits(&mut self) -> Result<i64> {
        let start = self.pos;
        let text = self.run(|b| b.is_ascii_digit());
        text.parse().map_err(|_| {
            let message = match text {
                "" => format!("expected a number, found {}", self.found()),
                _ => format!("the number {text} is too large"),
            };
            self.error_at(start, Error::parse(message))
        })
    }

    /// An integer with an optional sign.
    pub(super) fn int(&mut self) -> Result<i64> {
        let start = self.pos();
        let text = self.number();
        text.parse().map_err(|_| {
            let message = match text {
                "" => format!("expected an integer, found {}", self.found()),
                _ => format!("'{text}' is not an integer of 64 bits"),
            };
            self.error_at(start, Error::parse(message))
        })
    }

    /// The spelling of a number in any form: `-1`, `1.0e-05`, `0x7FC00000`; empty if there is none.
    pub(super) fn number(&mut self) -> &'t str {
        self.skip();
        let start = self.pos;
        if self.next_byte() == b'-' {
            self.pos += 1;
        }
        if !self.next_byte().is_ascii_digit() {
            self.pos = start;
            return "";
        }
        let mut last = 0;
        while let byte @ (b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'-' | b'+') = self.next_byte() {
            // A sign belongs to a number only directly after its exponent's letter.
            if matches!(byte, b'-' | b'+') && !matches!(last, b'e' | b'E') {
                break;
            }
            last = byte;
            self.pos += 1;
        }
        &self.text[start..self.pos]
    }

    /// `[1, 2]`.
    pub(super) fn ints(&mut self) -> Result<Shape> {
        self.list("[", "]", Cursor::int)
    }

    /// A list between brackets, separated by commas.
    pub(super) fn list<T, L: FromIterator<T>>(
        &mut self,
        open: &str,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<L> {
        self.expect(open)?;
        let mut first = true;
        std::iter::from_fn(|| {
            if self.eat(close) {
                return None;
            }
            if !std::mem::take(&mut first)
                && let Err(error) = self.expect(",")
            {
                return Some(Err(error));
            }
            Some(item(self))
        })
        .collect()
    }

    /// The bytes of a string in quotes, without them, escapes as written.
    pub(super) fn raw_string(&mut self) -> Result<&'t str> {
        let start = self.pos();
        self.expect("\"")?;
        let from = self.pos;
        loop {
            match self.next_byte() {
                b'"' => break,
                b'\\' => self.pos += 2,
                0 | b'\n' => {
                    return Err(
                        self.error_at(start, Error::parse("the string that begins here does not end"))
                    );
                }
                _ => self.pos += 1,
            }
        }
        self.pos += 1;
        Ok(&self.text[from..self.pos - 1])
    }

    /// A string in quotes.
    pub(super) fn string(&mut self) -> Result<String> {
        let start = self.pos();
        let raw = self.raw_string()?;
        if !raw.contains('\\') {
            return Ok(raw.to_string());
        }
        let mut out = Vec::with_capacity(raw.len());
        let mut bytes = raw.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            match bytes.next() {
                Some(b'n') => out.push(b'\n'),
                Some(b't') => out.push(b'\t'),
                Some(byte @ (b'\\' | b'"')) => out.push(byte),
                Some(high) => {
                    let digit = |byte: u8| (byte as char).to_digit(16).map(|d| d as u8);
                    match (digit(high), bytes.next().and_then(digit)) {
                        (Some(high), Some(low)) => out.push(high << 4 | low),
                        _ => return Err(self.error_at(start, Error::parse("a string has an unknown escape"))),
                    }
                }
                None => return Err(self.error_at(start, Error::parse("a string ends within an escape"))),
            }
        }
        String::from_utf8(out)
            .map_err(|_| self.error_at(start, Error::unsupported("a string of bytes that are not UTF-8")))
    }

    /// `@name` or `@"name"`, without the `@`.
    pub(super) fn symbol(&mut self) -> Result<String> {
        self.expect("@")?;
        match self.next_byte() {
            b'"' => self.string(),
            _ => match self.suffix() {
                "" => self.error("expected a symbol's name after '@'"),
                name => Ok(name.to_string()),
            },
        }
    }

    /// Skips text in which brackets balance, up to a comma or closing bracket around it, or a newline outside brackets.
    pub(super) fn balanced(&mut self) -> Result<&'t str> {
        let start = self.pos();
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.next_byte() {
                b'"' => {
                    self.raw_string()?;
                    continue;
                }
                b'-' if self.rest().starts_with("->") => self.pos += 1,
                byte @ (b'(' | b'[' | b'{' | b'<') => open.push(byte),
                byte @ (b')' | b']' | b'}' | b'>') => match open.pop() {
                    None => break,
                    Some(b'(') if byte == b')' => {}
                    Some(b'[') if byte == b']' => {}
                    Some(b'{') if byte == b'}' => {}
                    Some(b'<') if byte == b'>' => {}
                    Some(_) => return self.error("brackets do not match"),
                },
                b',' | b'\n' | b' ' if open.is_empty() => break,
                0 if open.is_empty() => break,
                0 => return Err(self.error_at(start, Error::parse("brackets that open here do not close"))),
                _ => {}
            }
            self.pos += 1;
        }
        Ok(&self.text[start..self.pos])
    }
}

#[inline]
fn is_word(byte: u8) -> bool {
    static WORD: [bool; 256] = {
        let mut word = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            word[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'$' | b'.');
            byte += 1;
        }
        word
    };
    WORD[usize::from(byte)]
}
