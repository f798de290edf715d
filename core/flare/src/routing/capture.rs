//! Takes the values out of a path that is known to match a pattern. Doing so after the search means that a branch which
//! is given up leaves nothing behind.

use super::params::Params;
use super::path::{self, Form};
use super::pattern::{Kind, Segment};

/// Fills `params`. `path` is the path behind its first slash.
pub(super) fn fill(params: &mut Params, pattern: &str, segments: &[Segment], path: &[u8], form: Form) {
    let mut rest = path;
    for own in segments {
        let (segment, tail) = path::split(rest);
        match (own.kind, form) {
            (Kind::Text, _) => {}
            (Kind::Param, Form::Plain) => params.push(own.of(pattern), |out| out.extend_from_slice(segment)),
            (Kind::Param, Form::Encoded) => {
                params.push(own.of(pattern), |out| path::decode_segment(segment, out))
            }
            (Kind::Rest, Form::Plain) => params.push(own.of(pattern), |out| out.extend_from_slice(rest)),
            (Kind::Rest, Form::Encoded) => params.push(own.of(pattern), |out| path::decode_rest(rest, out)),
        }
        rest = tail.unwrap_or_default();
    }
}
