//! Several ranges in one answer: `multipart/byteranges` (RFC 9110, 14.6).

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::media_type::MediaType;
use super::range::Span;
use crate::message::{Body, FileBody, Part};

/// The content of an answer with several ranges, and its `Content-Type`.
pub(super) fn build(file: &Arc<File>, spans: &[Span], length: u64, kind: MediaType) -> (Body, String) {
    let boundary = boundary();
    let [kind, charset] = kind.value();
    let mut parts = Vec::with_capacity(2 * spans.len() + 1);
    let mut before = "";
    for span in spans {
        let head = format!(
            "{before}--{boundary}\r\ncontent-type: {kind}{charset}\r\ncontent-range: {}\r\n\r\n",
            content_range(*span, length)
        );
        before = "\r\n";
        parts.push(Part::Bytes(head.into()));
        parts.push(Part::File(FileBody::new(Arc::clone(file), span.start, span.length())));
    }
    parts.push(Part::Bytes(format!("{before}--{boundary}--\r\n").into()));
    (Body::Parts(parts), format!("multipart/byteranges; boundary={boundary}"))
}

/// The value of `Content-Range` (14.4).
pub(super) fn content_range(span: Span, length: u64) -> String {
    format!("bytes {}-{}/{length}", span.start, span.end.saturating_sub(1))
}

/// 128 bits under keys that nobody outside knows, so that no file can hold the boundary but by chance.
fn boundary() -> String {
    let [first, second] = [0, 1].map(|place| RandomState::new().hash_one(place));
    format!("{first:016x}{second:016x}")
}
