//! Files that were compressed beforehand, and which of them a client takes (RFC 9110, 8.4 and 12.5.3).

use crate::message::Headers;

/// A content coding, and so a file beside the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Zstandard,
    Gzip,
}

impl Coding {
    /// All, the one that is smallest as a rule first.
    const ALL: [Self; 3] = [Self::Brotli, Self::Zstandard, Self::Gzip];

    /// The name in `Content-Encoding`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstandard => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// What is behind the name of the original.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Zstandard => ".zst",
            Self::Gzip => ".gz",
        }
    }

    fn has_name(self, name: &[u8]) -> bool {
        // 8.4.1.3: x-gzip is the same.
        name.eq_ignore_ascii_case(self.name().as_bytes())
            || (self == Self::Gzip && name.eq_ignore_ascii_case(b"x-gzip"))
    }
}

/// The codings that a client takes and likes no less than the original, best first.
///
/// A client that refuses the original too gets it all the same, when there is nothing else: it may know better than its words.
pub(super) fn acceptable(headers: &Headers) -> impl Iterator<Item = Coding> {
    let weights = Weights::read(headers);
    let mut best = Coding::ALL.map(|coding| (weights.of(coding), coding));
    // Stable: equal weights stay in our order.
    best.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let least = weights.identity.unwrap_or(0).max(1);
    best.into_iter().filter(move |(weight, _)| *weight >= least).map(|(_, coding)| coding)
}

/// Weights in thousandths; `None`: not named.
#[derive(Default)]
struct Weights {
    codings: [Option<u16>; 3],
    identity: Option<u16>,
    others: Option<u16>,
}

impl Weights {
    fn read(headers: &Headers) -> Self {
        let mut weights = Self::default();
        for member in headers.get_all("accept-encoding").flat_map(|value| value.split(|&byte| byte == b',')) {
            let mut pieces = member.split(|&byte| byte == b';');
            let name = pieces.next().unwrap_or_default().trim_ascii();
            let weight = match (pieces.next().map(<[u8]>::trim_ascii), pieces.next()) {
                (None, _) => Some(1000),
                (Some([b'q' | b'Q', b'=', weight @ ..]), None) => qvalue(weight),
                _ => None,
            };
            // What is malformed is not a wish for anything.
            let Some(weight) = weight else { continue };
            if name == b"*" {
                weights.others = Some(weight);
            } else if name.eq_ignore_ascii_case(b"identity") {
                weights.identity = Some(weight);
            }
            for (own, coding) in weights.codings.iter_mut().zip(Coding::ALL) {
                if coding.has_name(name) {
                    *own = Some(weight);
                }
            }
        }
        weights
    }

    fn of(&self, coding: Coding) -> u16 {
        let named =
            Coding::ALL.iter().position(|other| *other == coding).and_then(|at| *self.codings.get(at)?);
        named.or(self.others).unwrap_or(0)
    }
}

/// `qvalue` (12.4.2): 0 to 1 with up to three digits behind the point.
fn qvalue(text: &[u8]) -> Option<u16> {
    let (whole, digits) = match text {
        [whole @ (b'0' | b'1')] => (whole, &b""[..]),
        [whole @ (b'0' | b'1'), b'.', digits @ ..] if digits.len() <= 3 => (whole, digits),
        _ => return None,
    };
    let mut value = u16::from(whole - b'0') * 1000;
    let mut unit = 100;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value += u16::from(digit - b'0') * unit;
        unit /= 10;
    }
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(values: &[&str]) -> String {
        let mut headers = Headers::new();
        for value in values {
            headers.append("accept-encoding", value).unwrap();
        }
        acceptable(&headers).map(Coding::name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn clients_choose() {
        for (value, wanted) in [
            ("", ""),
            ("gzip", "gzip"),
            ("GZip", "gzip"),
            ("x-gzip", "gzip"),
            ("gzip, deflate, br, zstd", "br zstd gzip"),
            ("gzip;q=1.0, br;q=0.5", "gzip br"),
            ("gzip ; q=0.5 , br;Q=0.501", "br gzip"),
            ("br;q=0, gzip", "gzip"),
            ("*", "br zstd gzip"),
            ("*;q=0.5, gzip", "gzip br zstd"),
            ("*, br;q=0", "zstd gzip"),
            ("*;q=0", ""),
            ("identity", ""),
            ("identity, gzip;q=0.5", ""),
            ("identity;q=0.5, gzip;q=0.5", "gzip"),
            ("identity;q=0, gzip;q=0.1", "gzip"),
            ("gzip;q=2", ""),
            ("gzip;q=0.0001", ""),
            ("gzip;q=1.001", ""),
            ("gzip;q=", ""),
            ("gzip;level=9", ""),
            ("gzip;q=1;q=0", ""),
            ("brotli", ""),
            (",,gzip,,", "gzip"),
        ] {
            assert_eq!(accepted(&[value]), wanted, "{value:?}");
        }
        assert_eq!(accepted(&[]), "");
        assert_eq!(accepted(&["gzip", "br;q=0.9"]), "gzip br");
    }
}
