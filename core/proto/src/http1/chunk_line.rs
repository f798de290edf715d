//! The line before a chunk: size and extensions (RFC 9112 sections 7.1, 7.1.1).

use super::error::{Error, Kind};
use crate::grammar::{TOKEN, VALUE, is};

/// Where in the line the next byte stands. The extensions are checked and then ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ChunkLine {
    /// No digit yet.
    Start,
    Size,
    /// White space behind the size or a value: only a `;` may follow.
    BeforeSemicolon,
    NameStart,
    Name,
    /// White space behind a name: `=` or `;` may follow.
    BehindName,
    ValueStart,
    Value,
    Quoted,
    QuotedPair,
    QuotedEnd,
    LineFeed,
    /// The whole line was read.
    End,
}

impl ChunkLine {
    /// Takes the next byte. `size` gathers the chunk's size.
    #[inline]
    pub(super) fn step(self, byte: u8, size: &mut u64) -> Result<ChunkLine, Error> {
        use ChunkLine::*;
        let next = match (self, byte) {
            (Start | Size, byte) if byte.is_ascii_hexdigit() => {
                if *size >> 60 != 0 {
                    return Err(Kind::Chunk.into());
                }
                *size = *size << 4 | u64::from(hex_value(byte));
                Size
            }
            (Size | Name | Value | QuotedEnd, b'\r') => LineFeed,
            (LineFeed, b'\n') => End,
            (Size | BeforeSemicolon | Name | BehindName | Value | QuotedEnd, b';') => NameStart,
            (Size | BeforeSemicolon | Value | QuotedEnd, b' ' | b'\t') => BeforeSemicolon,
            (NameStart | ValueStart, b' ' | b'\t') => self,
            (Name | BehindName, b' ' | b'\t') => BehindName,
            (Name | BehindName, b'=') => ValueStart,
            (NameStart | Name, byte) if is(byte, TOKEN) => Name,
            (ValueStart | Value, byte) if is(byte, TOKEN) => Value,
            (ValueStart, b'"') => Quoted,
            (Quoted, b'"') => QuotedEnd,
            (Quoted, b'\\') => QuotedPair,
            (Quoted | QuotedPair, byte) if is(byte, VALUE) => Quoted,
            _ => return Err(Kind::Chunk.into()),
        };
        Ok(next)
    }
}

fn hex_value(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(line: &str) -> Option<u64> {
        let mut size = 0;
        let mut state = ChunkLine::Start;
        for byte in line.bytes() {
            state = state.step(byte, &mut size).ok()?;
        }
        (state == ChunkLine::End).then_some(size)
    }

    #[test]
    fn sizes() {
        assert_eq!(size("5\r\n"), Some(5));
        assert_eq!(size("aF\r\n"), Some(0xaf));
        assert_eq!(size("0000000000000000000005\r\n"), Some(5));
        assert_eq!(size("ffffffffffffffff\r\n"), Some(u64::MAX));
        for bad in [
            "10000000000000005",
            "x",
            "0x5",
            "-5",
            "+5",
            "",
            ";a",
            " 5",
            "5h",
            "5,",
            "0_5",
            "0 5",
            "5\0",
            "5 ",
            "g",
        ] {
            assert_eq!(size(&format!("{bad}\r\n")), None, "{bad}");
        }
        for bad in ["5\n", "5\r", "5\r\r\n", "5"] {
            assert_eq!(size(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn extensions() {
        for good in
            [";a", ";a=b", ";a=b;c=d", ";a=\"b;c\"", ";a=\"b\\\"c\"", " ; a = b ;c", ";a=\"\";b", "\t;a"]
        {
            assert_eq!(size(&format!("5{good}\r\n")), Some(5), "{good}");
        }
        for bad in [
            ";",
            ";=b",
            ";a=",
            ";a=\"b",
            ";a=b c",
            ";a b",
            ";a=b;",
            ";a\nb",
            ";a\rb",
            ";a=\"\u{1}\"",
            ";a=\"b\"c",
            ";a ",
        ] {
            assert_eq!(size(&format!("5{bad}\r\n")), None, "{bad:?}");
        }
    }
}
