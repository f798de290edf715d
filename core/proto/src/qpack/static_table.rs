//! The static table (RFC 9204 appendix A).

use crate::field_coding::static_field::{StaticField, field};

/// The number of fields.
pub(super) const COUNT: u32 = 99;

/// The fields; the first has index 0.
pub(super) static FIELDS: [StaticField; COUNT as usize] = [
    field(b":authority\0\0"),
    field(b":path\0/\0"),
    field(b"age\x000\0"),
    field(b"content-disposition\0\0"),
    field(b"content-length\x000\0"),
    field(b"cookie\0\0"),
    field(b"date\0\0"),
    field(b"etag\0\0"),
    field(b"if-modified-since\0\0"),
    field(b"if-none-match\0\0"),
    field(b"last-modified\0\0"),
    field(b"link\0\0"),
    field(b"location\0\0"),
    field(b"referer\0\0"),
    field(b"set-cookie\0\0"),
    field(b":method\0CONNECT\0"),
    field(b":method\0DELETE\0"),
    field(b":method\0GET\0"),
    field(b":method\0HEAD\0"),
    field(b":method\0OPTIONS\0"),
    field(b":method\0POST\0"),
    field(b":method\0PUT\0"),
    field(b":scheme\0http\0"),
    field(b":scheme\0https\0"),
    field(b":status\x00103\0"),
    field(b":status\x00200\0"),
    field(b":status\x00304\0"),
    field(b":status\x00404\0"),
    field(b":status\x00503\0"),
    field(b"accept\0*/*\0"),
    field(b"accept\0application/dns-message\0"),
    field(b"accept-encoding\0gzip, deflate, br\0"),
    field(b"accept-ranges\0bytes\0"),
    field(b"access-control-allow-headers\0cache-control\0"),
    field(b"access-control-allow-headers\0content-type\0"),
    field(b"access-control-allow-origin\0*\0"),
    field(b"cache-control\0max-age=0\0"),
    field(b"cache-control\0max-age=2592000\0"),
    field(b"cache-control\0max-age=604800\0"),
    field(b"cache-control\0no-cache\0"),
    field(b"cache-control\0no-store\0"),
    field(b"cache-control\0public, max-age=31536000\0"),
    field(b"content-encoding\0br\0"),
    field(b"content-encoding\0gzip\0"),
    field(b"content-type\0application/dns-message\0"),
    field(b"content-type\0application/javascript\0"),
    field(b"content-type\0application/json\0"),
    field(b"content-type\0application/x-www-form-urlencoded\0"),
    field(b"content-type\0image/gif\0"),
    field(b"content-type\0image/jpeg\0"),
    field(b"content-type\0image/png\0"),
    field(b"content-type\0text/css\0"),
    field(b"content-type\0text/html; charset=utf-8\0"),
    field(b"content-type\0text/plain\0"),
    field(b"content-type\0text/plain;charset=utf-8\0"),
    field(b"range\0bytes=0-\0"),
    field(b"strict-transport-security\0max-age=31536000\0"),
    field(b"strict-transport-security\0max-age=31536000; includesubdomains\0"),
    field(b"strict-transport-security\0max-age=31536000; includesubdomains; preload\0"),
    field(b"vary\0accept-encoding\0"),
    field(b"vary\0origin\0"),
    field(b"x-content-type-options\0nosniff\0"),
    field(b"x-xss-protection\x001; mode=block\0"),
    field(b":status\x00100\0"),
    field(b":status\x00204\0"),
    field(b":status\x00206\0"),
    field(b":status\x00302\0"),
    field(b":status\x00400\0"),
    field(b":status\x00403\0"),
    field(b":status\x00421\0"),
    field(b":status\x00425\0"),
    field(b":status\x00500\0"),
    field(b"accept-language\0\0"),
    field(b"access-control-allow-credentials\0FALSE\0"),
    field(b"access-control-allow-credentials\0TRUE\0"),
    field(b"access-control-allow-headers\0*\0"),
    field(b"access-control-allow-methods\0get\0"),
    field(b"access-control-allow-methods\0get, post, options\0"),
    field(b"access-control-allow-methods\0options\0"),
    field(b"access-control-expose-headers\0content-length\0"),
    field(b"access-control-request-headers\0content-type\0"),
    field(b"access-control-request-method\0get\0"),
    field(b"access-control-request-method\0post\0"),
    field(b"alt-svc\0clear\0"),
    field(b"authorization\0\0"),
    field(b"content-security-policy\0script-src 'none'; object-src 'none'; base-uri 'none'\0"),
    field(b"early-data\x001\0"),
    field(b"expect-ct\0\0"),
    field(b"forwarded\0\0"),
    field(b"if-range\0\0"),
    field(b"origin\0\0"),
    field(b"purpose\0prefetch\0"),
    field(b"server\0\0"),
    field(b"timing-allow-origin\0*\0"),
    field(b"upgrade-insecure-requests\x001\0"),
    field(b"user-agent\0\0"),
    field(b"x-forwarded-for\0\0"),
    field(b"x-frame-options\0deny\0"),
    field(b"x-frame-options\0sameorigin\0"),
];

/// What of a field is in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// All of it, at this index.
    Whole(u8),
    /// Its name, first at this index.
    Name(u8),
    /// Nothing.
    Nothing,
}

/// Looks for a field.
#[inline]
pub(super) fn find(name: &[u8], value: &[u8]) -> Found {
    let indices = indices_of_name(name);
    let Some(&first) = indices.first() else { return Found::Nothing };
    for &index in indices {
        if FIELDS.get(usize::from(index)).is_some_and(|field| field.value() == value) {
            return Found::Whole(index);
        }
    }
    Found::Name(first)
}

/// The indices of the fields with this name.
#[inline]
fn indices_of_name(name: &[u8]) -> &'static [u8] {
    // The compiler looks at the length first, which tells most fields apart.
    match name {
        b":authority" => &[0],
        b":path" => &[1],
        b"age" => &[2],
        b"content-disposition" => &[3],
        b"content-length" => &[4],
        b"cookie" => &[5],
        b"date" => &[6],
        b"etag" => &[7],
        b"if-modified-since" => &[8],
        b"if-none-match" => &[9],
        b"last-modified" => &[10],
        b"link" => &[11],
        b"location" => &[12],
        b"referer" => &[13],
        b"set-cookie" => &[14],
        b":method" => &[15, 16, 17, 18, 19, 20, 21],
        b":scheme" => &[22, 23],
        b":status" => &[24, 25, 26, 27, 28, 63, 64, 65, 66, 67, 68, 69, 70, 71],
        b"accept" => &[29, 30],
        b"accept-encoding" => &[31],
        b"accept-ranges" => &[32],
        b"access-control-allow-headers" => &[33, 34, 75],
        b"access-control-allow-origin" => &[35],
        b"cache-control" => &[36, 37, 38, 39, 40, 41],
        b"content-encoding" => &[42, 43],
        b"content-type" => &[44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54],
        b"range" => &[55],
        b"strict-transport-security" => &[56, 57, 58],
        b"vary" => &[59, 60],
        b"x-content-type-options" => &[61],
        b"x-xss-protection" => &[62],
        b"accept-language" => &[72],
        b"access-control-allow-credentials" => &[73, 74],
        b"access-control-allow-methods" => &[76, 77, 78],
        b"access-control-expose-headers" => &[79],
        b"access-control-request-headers" => &[80],
        b"access-control-request-method" => &[81, 82],
        b"alt-svc" => &[83],
        b"authorization" => &[84],
        b"content-security-policy" => &[85],
        b"early-data" => &[86],
        b"expect-ct" => &[87],
        b"forwarded" => &[88],
        b"if-range" => &[89],
        b"origin" => &[90],
        b"purpose" => &[91],
        b"server" => &[92],
        b"timing-allow-origin" => &[93],
        b"upgrade-insecure-requests" => &[94],
        b"user-agent" => &[95],
        b"x-forwarded-for" => &[96],
        b"x-frame-options" => &[97, 98],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field_coding::field_kind::FieldKind;

    #[test]
    fn each_field_is_found() {
        for (at, field) in FIELDS.iter().enumerate() {
            assert_eq!(find(field.name(), field.value()), Found::Whole(at as u8));
            let first = FIELDS.iter().position(|other| other.name() == field.name()).unwrap();
            assert_eq!(find(field.name(), b"another"), Found::Name(first as u8));
            assert_eq!(field.text.last(), Some(&0));
            assert_eq!(field.kind, FieldKind::of(field.name()));
            assert_eq!(field.is_good, field.kind.takes(field.value()), "{at}");
        }
        assert_eq!(find(b"x-none", b""), Found::Nothing);
        // The places that RFC 9204 appendix A gives to some of them.
        for (index, name, value) in [
            (0, ":authority", ""),
            (25, ":status", "200"),
            (72, "accept-language", ""),
            (95, "user-agent", ""),
            (98, "x-frame-options", "sameorigin"),
        ] {
            assert_eq!(find(name.as_bytes(), value.as_bytes()), Found::Whole(index));
        }
    }
}
