//! The answers of a table that has no route for a request; the same for both tables.

use super::Found;
use super::allow::{Allow, Names, Query};

/// The path does not start with `/`. Only `OPTIONS *` may do that (RFC 9112 section 3.2.4).
#[cold]
pub(super) fn path<'t, T>(method: &[u8], path: &[u8], names: Names<'t>) -> Found<'t, T> {
    if method == b"OPTIONS" && path == b"*" {
        Found::Options { allow: Allow::all(names) }
    } else {
        Found::BadPath
    }
}

/// No pattern that matches the path has the method.
#[cold]
pub(super) fn route<'t, T>(method: &[u8], query: &Query, names: Names<'t>) -> Found<'t, T> {
    let allow = Allow::new(names, query.seen);
    match (query.known, method) {
        (false, _) => Found::NotFound,
        (true, b"OPTIONS") => Found::Options { allow },
        (true, _) => Found::NotAllowed { allow },
    }
}
