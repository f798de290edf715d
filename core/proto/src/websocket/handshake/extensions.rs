//! `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).

use super::error::HandshakeError;
use crate::grammar::{TOKEN, is, is_token};

/// An extension and its parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Extension<'a> {
    pub(super) name: &'a [u8],
    pub(super) parameters: Vec<(&'a [u8], Option<Vec<u8>>)>,
}

/// All extensions of a value, in order.
pub(super) fn parse(value: &[u8]) -> Result<Vec<Extension<'_>>, HandshakeError> {
    let mut extensions = Vec::new();
    let mut text = Text(value);
    loop {
        // Empty elements are no mistake (RFC 9110 section 5.6.1.2).
        while text.takes(b',') {}
        if text.0.is_empty() {
            return Ok(extensions);
        }
        extensions.push(text.extension()?);
        if !text.0.is_empty() && !text.takes(b',') {
            return Err(HandshakeError::Extensions);
        }
    }
}

/// What is left of a value.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Takes this sign, and the white space around it.
    fn takes(&mut self, sign: u8) -> bool {
        self.0 = self.0.trim_ascii_start();
        match self.0.split_first() {
            Some((&first, rest)) if first == sign => {
                self.0 = rest.trim_ascii_start();
                true
            }
            _ => false,
        }
    }

    fn token(&mut self) -> Result<&'a [u8], HandshakeError> {
        let length = self.0.iter().take_while(|&&byte| is(byte, TOKEN)).count();
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        if token.is_empty() { Err(HandshakeError::Extensions) } else { Ok(token) }
    }

    fn extension(&mut self) -> Result<Extension<'a>, HandshakeError> {
        let mut extension = Extension { name: self.token()?, parameters: Vec::new() };
        while self.takes(b';') {
            let name = self.token()?;
            let value = if self.takes(b'=') { Some(self.value()?) } else { None };
            extension.parameters.push((name, value));
        }
        Ok(extension)
    }

    /// A token, or one in quotes.
    fn value(&mut self) -> Result<Vec<u8>, HandshakeError> {
        let Some((b'"', mut rest)) = self.0.split_first() else { return Ok(self.token()?.to_vec()) };
        let mut value = Vec::new();
        loop {
            match rest {
                [b'"', behind @ ..] => {
                    self.0 = behind;
                    return if is_token(&value) { Ok(value) } else { Err(HandshakeError::Extensions) };
                }
                [b'\\', byte, behind @ ..] | [byte, behind @ ..] => {
                    value.push(*byte);
                    rest = behind;
                }
                [] => return Err(HandshakeError::Extensions),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Result<String, HandshakeError> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let shown = parse(value.as_bytes())?
            .iter()
            .map(|extension| {
                let mut shown = text(extension.name);
                for (name, value) in &extension.parameters {
                    shown += &format!(
                        ";{}{}",
                        text(name),
                        value.as_deref().map_or(String::new(), |v| "=".to_owned() + &text(v))
                    );
                }
                shown
            })
            .collect::<Vec<_>>();
        Ok(shown.join(","))
    }

    #[test]
    fn lists_of_extensions() {
        for (value, expected) in [
            ("", ""),
            (" , ,", ""),
            ("foo", "foo"),
            ("foo, bar; baz=2", "foo,bar;baz=2"),
            ("foo;bar;baz = \"x\\y\" ,, a\t;b=\"1\"", "foo;bar;baz=xy,a;b=1"),
        ] {
            assert_eq!(shown(value), Ok(expected.to_owned()), "{value}");
        }
        for bad in [
            "foo bar",
            "foo;",
            ";foo",
            "foo;=1",
            "foo;a=",
            "foo;a=\"",
            "foo;a=\"\"",
            "foo;a=\"b c\"",
            "foo;a=\"b\"c",
            "foo;a=\"\\",
            "f\u{e4}",
            "foo;a=b=c",
        ] {
            assert_eq!(shown(bad), Err(HandshakeError::Extensions), "{bad}");
        }
    }
}
