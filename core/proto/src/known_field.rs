//! The fields that belong to the connection, not to the application.

/// A field that a connection itself reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KnownField {
    Te,
    Date,
    Host,
    Expect,
    Server,
    Upgrade,
    Connection,
    KeepAlive,
    ContentLength,
    TransferEncoding,
}

/// Which known field has this name, a token in any case.
#[inline]
pub(crate) fn known_field(name: &[u8]) -> Option<KnownField> {
    // The length tells most fields apart.
    match name.len() {
        2 if is(name, b"te") => Some(KnownField::Te),
        4 if is(name, b"host") => Some(KnownField::Host),
        4 if is(name, b"date") => Some(KnownField::Date),
        6 if is(name, b"expect") => Some(KnownField::Expect),
        6 if is(name, b"server") => Some(KnownField::Server),
        7 if is(name, b"upgrade") => Some(KnownField::Upgrade),
        10 if is(name, b"connection") => Some(KnownField::Connection),
        10 if is(name, b"keep-alive") => Some(KnownField::KeepAlive),
        14 if is(name, b"content-length") => Some(KnownField::ContentLength),
        17 if is(name, b"transfer-encoding") => Some(KnownField::TransferEncoding),
        _ => None,
    }
}

/// Whether a token is this name. Setting one bit makes letters small and leaves `-` as it is; what else it would make a letter or a `-`
/// is in no token.
#[inline]
fn is<const N: usize>(token: &[u8], name: &[u8; N]) -> bool {
    let Ok(token) = <&[u8; N]>::try_from(token) else { return false };
    // The first letter tells nearly all others apart.
    token.first().map(|byte| byte | 0x20) == name.first().copied()
        && token.iter().zip(name).fold(0, |differences, (&byte, &own)| differences | ((byte | 0x20) ^ own))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_same_length_are_told_apart() {
        assert_eq!(known_field(b"host"), Some(KnownField::Host));
        assert_eq!(known_field(b"date"), Some(KnownField::Date));
        assert_eq!(known_field(b"keep-alive"), Some(KnownField::KeepAlive));
        assert_eq!(known_field(b"connection"), Some(KnownField::Connection));
        for other in [&b"from"[..], b"etag", b"cookie", b"content-type!!", b"", b"x-connectn"] {
            assert_eq!(known_field(other), None);
        }
    }

    #[test]
    fn names_are_told_in_any_case_and_by_each_byte() {
        for (name, field) in [
            ("te", KnownField::Te),
            ("date", KnownField::Date),
            ("host", KnownField::Host),
            ("expect", KnownField::Expect),
            ("server", KnownField::Server),
            ("upgrade", KnownField::Upgrade),
            ("connection", KnownField::Connection),
            ("keep-alive", KnownField::KeepAlive),
            ("content-length", KnownField::ContentLength),
            ("transfer-encoding", KnownField::TransferEncoding),
        ] {
            assert_eq!(known_field(name.as_bytes()), Some(field));
            assert_eq!(known_field(name.to_ascii_uppercase().as_bytes()), Some(field));
            for at in 0..name.len() {
                for byte in (0..=255).filter(|&byte| crate::grammar::is(byte, crate::grammar::TOKEN)) {
                    let mut other = name.as_bytes().to_vec();
                    other[at] = byte;
                    let same = other.eq_ignore_ascii_case(name.as_bytes());
                    assert_eq!(known_field(&other) == Some(field), same, "{}", other.escape_ascii());
                }
            }
        }
    }
}
