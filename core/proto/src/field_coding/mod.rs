//! What the header compressions of HTTP/2 (HPACK, RFC 7541) and HTTP/3 (QPACK, RFC 9204) have in common.

pub(crate) mod budget;
pub(crate) mod decoded_field;
pub(crate) mod dynamic_table;
pub(crate) mod encoder_table;
pub(crate) mod field_kind;
pub(crate) mod field_source;
pub(crate) mod huffman;
mod huffman_code;
pub(crate) mod indexing;
pub(crate) mod integer;
pub(crate) mod static_field;

pub(crate) mod text;
