//! Which fields are put into a dynamic table.

/// What becomes of a field that is in no table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexing {
    /// It is put into the table.
    AtOnce,
    /// It is put into the table the second time.
    WhenRepeated,
    /// It is not.
    No,
    /// And nobody else may.
    Never,
}

/// A cookie that is shorter can be guessed (RFC 7541 section 7.1.3).
const GUESSABLE: usize = 20;

/// What becomes of fields with this name, whatever their values.
pub(crate) const fn by_name(name: &[u8]) -> Indexing {
    match name {
        b"authorization" | b"proxy-authorization" | b"set-cookie" => Indexing::Never,
        b":path"
        | b"age"
        | b"content-length"
        | b"content-range"
        | b"content-disposition"
        | b"etag"
        | b"expires"
        | b"if-match"
        | b"if-modified-since"
        | b"if-none-match"
        | b"if-range"
        | b"if-unmodified-since"
        | b"last-modified"
        | b"location"
        | b"range"
        | b"retry-after" => Indexing::No,
        b":authority"
        | b"accept"
        | b"accept-encoding"
        | b"accept-language"
        | b"accept-ranges"
        | b"access-control-allow-origin"
        | b"cache-control"
        | b"content-encoding"
        | b"content-type"
        | b"date"
        | b"server"
        | b"strict-transport-security"
        | b"user-agent"
        | b"vary" => Indexing::AtOnce,
        _ => Indexing::WhenRepeated,
    }
}

impl Indexing {
    /// What becomes of a field, by what becomes of those with its name.
    #[inline]
    pub(crate) fn of(by_name: Indexing, name: &[u8], value: &[u8]) -> Indexing {
        match by_name {
            Indexing::WhenRepeated if name == b"cookie" && value.len() < GUESSABLE => Indexing::Never,
            indexing => indexing,
        }
    }
}
