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

/// Which known field has this name, written in lower case.
#[inline]
pub(crate) fn known_field(name: &[u8]) -> Option<KnownField> {
    // The compiler looks at the length first, which tells most fields apart.
    match name {
        b"te" => Some(KnownField::Te),
        b"date" => Some(KnownField::Date),
        b"host" => Some(KnownField::Host),
        b"expect" => Some(KnownField::Expect),
        b"server" => Some(KnownField::Server),
        b"upgrade" => Some(KnownField::Upgrade),
        b"connection" => Some(KnownField::Connection),
        b"keep-alive" => Some(KnownField::KeepAlive),
        b"content-length" => Some(KnownField::ContentLength),
        b"transfer-encoding" => Some(KnownField::TransferEncoding),
        _ => None,
    }
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
