//! What the header compressions of HTTP/2 (HPACK, RFC 7541) and HTTP/3 (QPACK, RFC 9204) have in common.

pub(crate) mod field_kind;
pub(crate) mod huffman;
mod huffman_code;
pub(crate) mod integer;
