//! The raw path of a request: is it well formed, where do its segments end, what do they say when decoded.

use std::cmp::Ordering;

/// A well-formed path has percent-encoding somewhere, or nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Encoded,
}

/// Checks the whole path. `None`: invalid percent-encoding, `%00` or NUL.
#[inline]
pub(super) fn check(path: &[u8]) -> Option<Form> {
    if is_plain(path) { Some(Form::Plain) } else { check_encoded(path) }
}

/// Whether no byte needs a closer look. Eight bytes at a time, because paths are too short for a general search to pay.
#[inline]
fn is_plain(path: &[u8]) -> bool {
    let (chunks, tail) = path.as_chunks();
    let mut found = 0;
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        found |= zero_bytes(word) | zero_bytes(word ^ repeat(b'%'));
    }
    match path.last_chunk() {
        Some(chunk) => {
            let word = u64::from_le_bytes(*chunk);
            found | zero_bytes(word) | zero_bytes(word ^ repeat(b'%')) == 0
        }
        None => !tail.iter().any(|&byte| byte == b'%' || byte == 0),
    }
}

pub(super) const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Not 0 if a byte of `word` is 0. The lowest bit that is set belongs to the first such byte; higher ones may be wrong.
pub(super) const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(repeat(1)) & !word & repeat(0x80)
}

#[cold]
fn check_encoded(mut path: &[u8]) -> Option<Form> {
    loop {
        path = match path {
            [] => return Some(Form::Encoded),
            [b'%', high, low, tail @ ..] => match hex_pair(*high, *low) {
                None | Some(0) => return None,
                Some(_) => tail,
            },
            [b'%' | 0, ..] => return None,
            [_, tail @ ..] => tail,
        }
    }
}

/// The first segment, and what follows its slash. `None`: it was the last one.
#[inline]
pub(super) fn split(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match slash(path).and_then(|at| path.split_at_checked(at)) {
        Some((segment, tail)) => (segment, tail.get(1..)),
        None => (path, None),
    }
}

#[inline]
fn slash(path: &[u8]) -> Option<usize> {
    let (chunks, tail) = path.as_chunks();
    let mut start = 0;
    for chunk in chunks {
        let found = zero_bytes(u64::from_le_bytes(*chunk) ^ repeat(b'/'));
        if found != 0 {
            return Some(start + found.trailing_zeros() as usize / 8);
        }
        start += 8;
    }
    tail.iter().position(|&byte| byte == b'/').map(|at| start + at)
}

/// The value of two hexadecimal digits.
pub(super) const fn hex_pair(high: u8, low: u8) -> Option<u8> {
    match (hex(high), hex(low)) {
        (Some(high), Some(low)) => Some(high << 4 | low),
        _ => None,
    }
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The next decoded byte of a segment, and the rest of it.
pub(super) const fn next(segment: &[u8]) -> Option<(u8, &[u8])> {
    match segment {
        [] => None,
        [b'%', high, low, tail @ ..] => match hex_pair(*high, *low) {
            Some(byte) => Some((byte, tail)),
            // Only a segment that was not checked can get here; then the sign stands for itself.
            None => match segment {
                [first, tail @ ..] => Some((*first, tail)),
                [] => None,
            },
        },
        [first, tail @ ..] => Some((*first, tail)),
    }
}

/// Orders two segments by their decoded bytes.
pub(super) const fn order(mut left: &[u8], mut right: &[u8]) -> Ordering {
    loop {
        match (next(left), next(right)) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some((a, left_tail)), Some((b, right_tail))) => {
                if a < b {
                    return Ordering::Less;
                }
                if a > b {
                    return Ordering::Greater;
                }
                left = left_tail;
                right = right_tail;
            }
        }
    }
}

/// Orders a text that is decoded already and a segment that is not.
pub(super) fn order_decoded(text: &[u8], mut segment: &[u8]) -> Ordering {
    let decoded = std::iter::from_fn(|| {
        let (byte, tail) = next(segment)?;
        segment = tail;
        Some(byte)
    });
    text.iter().copied().cmp(decoded)
}

/// Appends the decoded segment.
pub(super) fn decode_segment(mut segment: &[u8], out: &mut Vec<u8>) {
    while let Some((byte, tail)) = next(segment) {
        out.push(byte);
        segment = tail;
    }
}

/// Appends several decoded segments and the slashes between them. An encoded slash stays `%2F`, so that it does not
/// turn into a separator.
pub(super) fn decode_rest(mut rest: &[u8], out: &mut Vec<u8>) {
    while let Some((byte, tail)) = next(rest) {
        if byte == b'/' && rest.first() == Some(&b'%') {
            out.extend_from_slice(b"%2F");
        } else {
            out.push(byte);
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(segment: &str) -> Vec<u8> {
        let mut out = Vec::new();
        decode_segment(segment.as_bytes(), &mut out);
        out
    }

    #[test]
    fn checks_the_whole_path() {
        for good in ["", "/", "/a/b", "/é"] {
            assert_eq!(check(good.as_bytes()), Some(Form::Plain), "{good}");
        }
        for good in ["/%41", "/a/%2f", "/%ff%FE", "/%25%30"] {
            assert_eq!(check(good.as_bytes()), Some(Form::Encoded), "{good}");
        }
        for bad in ["/%", "/%4", "/%4/", "/%g0", "/%0g", "/%00", "/%41%", "/\0", "/%41\0", "/a%+1"] {
            assert_eq!(check(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn splits_at_slashes() {
        assert_eq!(split(b""), (&b""[..], None));
        assert_eq!(split(b"a"), (&b"a"[..], None));
        assert_eq!(split(b"a/"), (&b"a"[..], Some(&b""[..])));
        assert_eq!(split(b"/b"), (&b""[..], Some(&b"b"[..])));
        assert_eq!(split(b"a%2Fb/c/d"), (&b"a%2Fb"[..], Some(&b"c/d"[..])));
    }

    #[test]
    fn looks_at_every_place() {
        for len in 1..40 {
            for at in 0..len {
                let put = |byte| {
                    let mut path = vec![b'.'; len];
                    path[at] = byte;
                    path
                };
                assert_eq!(check(&put(0)), None);
                assert_eq!(check(&put(b'%')), None);
                // Neighbours of the bytes that are searched for, and their high halves.
                for byte in [1, b'$', b'&', 0x80, 0xff, b'.', b'0', b'%' | 0x80, b'/' | 0x80] {
                    assert_eq!(check(&put(byte)), Some(Form::Plain));
                    assert_eq!(split(&put(byte)).1, None);
                }
                let path = put(b'/');
                assert_eq!(split(&path), (&path[..at], Some(&path[at + 1..])));
            }
        }
        // The first of several, and no carry from one into the next.
        assert_eq!(split(b"abc/0//0/.").0, b"abc");
        assert_eq!(split(b"////////").0, b"");
    }

    #[test]
    fn decodes() {
        assert_eq!(decoded("a%20b%2fc%C3%BC+"), "a b/cü+".as_bytes());
        assert_eq!(decoded("%25%34%31"), b"%41");
        let mut out = Vec::new();
        decode_rest(b"a%20/%2f/%2Fb/%252F", &mut out);
        assert_eq!(out, b"a /%2F/%2Fb/%2F");
    }

    #[test]
    fn orders_by_decoded_bytes() {
        assert_eq!(order(b"a", b"%61"), Ordering::Equal);
        assert_eq!(order(b"a%2f", b"a%2F"), Ordering::Equal);
        assert_eq!(order(b"a", b"%62"), Ordering::Less);
        assert_eq!(order(b"%7A", b"a"), Ordering::Greater);
        assert_eq!(order(b"a", b"aa"), Ordering::Less);
        assert_eq!(order(b"", b""), Ordering::Equal);
        assert_eq!(order_decoded(b"%41", b"%2541"), Ordering::Equal);
        assert_eq!(order_decoded(b"a", b"%62"), Ordering::Less);
        assert_eq!(order_decoded(b"aa", b"%61"), Ordering::Greater);
    }
}
