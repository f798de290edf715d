//! Finding the end of a head that comes in pieces, looking at each byte once.

use super::error::{Error, Kind};

/// How many empty lines before a request line are skipped (RFC 9112 section 2.2 asks for at least one).
const LEADING_EMPTY_LINES: usize = 2;

/// The number of bytes in empty lines at the start, and whether something follows them.
#[inline]
pub(super) fn skip_empty_lines(input: &[u8]) -> Result<Option<usize>, Error> {
    let mut skipped = 0;
    loop {
        match input.get(skipped..).unwrap_or_default() {
            [] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] if skipped < 2 * LEADING_EMPTY_LINES => skipped += 2,
            [b'\r' | b'\n', ..] => return Err(Kind::LineEnd.into()),
            _ => return Ok(Some(skipped)),
        }
    }
}

/// Whether the empty line that ends a head is there. Bytes before `scanned` were seen by an earlier call.
pub(super) fn has_end(text: &[u8], scanned: u32) -> Result<bool, Error> {
    let start = scanned as usize;
    for at in memchr::memchr_iter(b'\n', text.get(start..).unwrap_or_default()) {
        let before = text.get(..start + at).unwrap_or_default();
        match before {
            [.., b'\n', b'\r'] => return Ok(true),
            [.., b'\r'] => {}
            _ => return Err(Kind::LineEnd.into()),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_are_bounded() {
        assert_eq!(skip_empty_lines(b""), Ok(None));
        assert_eq!(skip_empty_lines(b"\r"), Ok(None));
        assert_eq!(skip_empty_lines(b"\r\n"), Ok(None));
        assert_eq!(skip_empty_lines(b"\r\n\r\nG"), Ok(Some(4)));
        assert_eq!(skip_empty_lines(b"G\r\n"), Ok(Some(0)));
        for bad in [&b"\n"[..], b"\rG", b"\r\r\n", b"\r\n\r\n\r\nG", b"\r\n\nG"] {
            assert_eq!(skip_empty_lines(bad), Err(Kind::LineEnd.into()), "{bad:?}");
        }
    }

    #[test]
    fn the_end_is_found_wherever_the_pieces_break() {
        let text = b"a\r\nb\r\n\r\n";
        for scanned in 0..text.len() {
            for len in scanned..=text.len() {
                assert_eq!(has_end(&text[..len], scanned as u32), Ok(len == text.len()), "{scanned} {len}");
            }
        }
    }

    #[test]
    fn a_bare_line_feed_is_no_line_end() {
        assert_eq!(has_end(b"a\nb", 0), Err(Kind::LineEnd.into()));
        assert_eq!(has_end(b"a\r\n\n", 3), Err(Kind::LineEnd.into()));
    }
}
