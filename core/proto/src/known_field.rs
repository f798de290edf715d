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

/// Which known field has this name, written in lower case. Looks at the length first: most fields are told apart by it.
#[inline]
pub(crate) fn known_field(name: &[u8]) -> Option<KnownField> {
    let (candidate, field): (&[u8], _) = match name.len() {
        2 => (b"te", KnownField::Te),
        4 if name.first() == Some(&b'h') => (b"host", KnownField::Host),
        4 => (b"date", KnownField::Date),
        6 if name.first() == Some(&b'e') => (b"expect", KnownField::Expect),
        6 => (b"server", KnownField::Server),
        7 => (b"upgrade", KnownField::Upgrade),
        10 if name.first() == Some(&b'c') => (b"connection", KnownField::Connection),
        10 => (b"keep-alive", KnownField::KeepAlive),
        14 => (b"content-length", KnownField::ContentLength),
        17 => (b"transfer-encoding", KnownField::TransferEncoding),
        _ => return None,
    };
    (name == candidate).then_some(field)
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
}
