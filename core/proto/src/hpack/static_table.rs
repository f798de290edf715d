//! The static table (RFC 7541 appendix A).

use crate::field_coding::static_field::{StaticField, field};

/// The number of fields. The dynamic table's indices begin behind it.
pub(super) const COUNT: u32 = 61;

/// The fields; the first has index 1.
pub(super) static FIELDS: [StaticField; COUNT as usize] = [
    field(b":authority\0\0"),
    field(b":method\0GET\0"),
    field(b":method\0POST\0"),
    field(b":path\0/\0"),
    field(b":path\0/index.html\0"),
    field(b":scheme\0http\0"),
    field(b":scheme\0https\0"),
    field(b":status\x00200\0"),
    field(b":status\x00204\0"),
    field(b":status\x00206\0"),
    field(b":status\x00304\0"),
    field(b":status\x00400\0"),
    field(b":status\x00404\0"),
    field(b":status\x00500\0"),
    field(b"accept-charset\0\0"),
    field(b"accept-encoding\0gzip, deflate\0"),
    field(b"accept-language\0\0"),
    field(b"accept-ranges\0\0"),
    field(b"accept\0\0"),
    field(b"access-control-allow-origin\0\0"),
    field(b"age\0\0"),
    field(b"allow\0\0"),
    field(b"authorization\0\0"),
    field(b"cache-control\0\0"),
    field(b"content-disposition\0\0"),
    field(b"content-encoding\0\0"),
    field(b"content-language\0\0"),
    field(b"content-length\0\0"),
    field(b"content-location\0\0"),
    field(b"content-range\0\0"),
    field(b"content-type\0\0"),
    field(b"cookie\0\0"),
    field(b"date\0\0"),
    field(b"etag\0\0"),
    field(b"expect\0\0"),
    field(b"expires\0\0"),
    field(b"from\0\0"),
    field(b"host\0\0"),
    field(b"if-match\0\0"),
    field(b"if-modified-since\0\0"),
    field(b"if-none-match\0\0"),
    field(b"if-range\0\0"),
    field(b"if-unmodified-since\0\0"),
    field(b"last-modified\0\0"),
    field(b"link\0\0"),
    field(b"location\0\0"),
    field(b"max-forwards\0\0"),
    field(b"proxy-authenticate\0\0"),
    field(b"proxy-authorization\0\0"),
    field(b"range\0\0"),
    field(b"referer\0\0"),
    field(b"refresh\0\0"),
    field(b"retry-after\0\0"),
    field(b"server\0\0"),
    field(b"set-cookie\0\0"),
    field(b"strict-transport-security\0\0"),
    field(b"transfer-encoding\0\0"),
    field(b"user-agent\0\0"),
    field(b"vary\0\0"),
    field(b"via\0\0"),
    field(b"www-authenticate\0\0"),
];

/// The index of the first field with this name; 0 if there is none.
#[inline]
pub(super) fn index_of_name(name: &[u8]) -> u8 {
    // The compiler looks at the length first, which tells most fields apart.
    match name {
        b":authority" => 1,
        b":method" => 2,
        b":path" => 4,
        b":scheme" => 6,
        b":status" => 8,
        b"accept-charset" => 15,
        b"accept-encoding" => 16,
        b"accept-language" => 17,
        b"accept-ranges" => 18,
        b"accept" => 19,
        b"access-control-allow-origin" => 20,
        b"age" => 21,
        b"allow" => 22,
        b"authorization" => 23,
        b"cache-control" => 24,
        b"content-disposition" => 25,
        b"content-encoding" => 26,
        b"content-language" => 27,
        b"content-length" => 28,
        b"content-location" => 29,
        b"content-range" => 30,
        b"content-type" => 31,
        b"cookie" => 32,
        b"date" => 33,
        b"etag" => 34,
        b"expect" => 35,
        b"expires" => 36,
        b"from" => 37,
        b"host" => 38,
        b"if-match" => 39,
        b"if-modified-since" => 40,
        b"if-none-match" => 41,
        b"if-range" => 42,
        b"if-unmodified-since" => 43,
        b"last-modified" => 44,
        b"link" => 45,
        b"location" => 46,
        b"max-forwards" => 47,
        b"proxy-authenticate" => 48,
        b"proxy-authorization" => 49,
        b"range" => 50,
        b"referer" => 51,
        b"refresh" => 52,
        b"retry-after" => 53,
        b"server" => 54,
        b"set-cookie" => 55,
        b"strict-transport-security" => 56,
        b"transfer-encoding" => 57,
        b"user-agent" => 58,
        b"vary" => 59,
        b"via" => 60,
        b"www-authenticate" => 61,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field_coding::field_kind::FieldKind;

    #[test]
    fn each_name_is_found_at_its_first_field() {
        for (at, field) in FIELDS.iter().enumerate() {
            let first = FIELDS.iter().position(|other| other.name() == field.name()).unwrap();
            assert_eq!(usize::from(index_of_name(field.name())), first + 1, "{at}");
            assert_eq!(field.text.last(), Some(&0));
            assert_eq!(field.kind, FieldKind::of(field.name()));
            assert_eq!(field.is_good, field.kind.takes(field.value()), "{at}");
        }
        assert_eq!(index_of_name(b"x-none"), 0);
        assert_eq!((FIELDS[15].name(), FIELDS[15].value()), (&b"accept-encoding"[..], &b"gzip, deflate"[..]));
    }
}
