//! Which route answers a request: patterns, parameters and route tables. Nothing here knows a handler.
//!
//! [`RouteTable`] is built at run time and maps a method and a pattern to any value. [`StaticTable`] is checked
//! and sorted by the compiler and maps them to the index of the route. Both follow the same rules.
//!
//! # Patterns
//!
//! | segment | matches | value |
//! |---|---|---|
//! | `text` | the same text, compared after percent-decoding | |
//! | `:name` | one segment that is not empty | the segment, percent-decoded |
//! | `*name` (last only) | the rest of the path, slashes included, possibly empty | decoded, but `%2F` stays `%2F` |
//!
//! A pattern starts with `/`. Names are `[A-Za-z_][A-Za-z0-9_]*` and unique in a pattern. A text that starts with `:`
//! or `*` is written `%3A` or `%2A`. A pattern has at most [`MAX_SEGMENTS`] segments and [`MAX_PATTERN`] bytes.
//!
//! # Paths
//!
//! The path of a request (RFC 3986 section 3.3, without the query) is split at `/` as it came; then each segment is
//! percent-decoded. So an encoded slash never makes a new segment. Invalid percent-encoding, `%00` or a NUL anywhere
//! makes the whole path bad, even if no route would have looked at that place. A trailing slash matters: `/a` and
//! `/a/` are two paths, and `/files/*rest` matches `/files/` but not `/files`. Nothing is normalised: `.` and `..`
//! are ordinary text and may appear in values, so whoever maps a value to a file must check it.
//!
//! # Who wins
//!
//! Text beats `:name` beats `*name`, segment by segment from the left. Among the patterns that match the whole path,
//! the most specific one that has the method wins. A pattern has a method if it has a route for it, or the method is
//! HEAD and it has GET, or it has a route for any method (`*`); in this order.
//!
//! If patterns match but none has the method, the answer is [`Found::NotAllowed`], or [`Found::Options`] if the method
//! is OPTIONS. Both carry the methods of all matching patterns: see [`Allow`]. `OPTIONS *` (RFC 9110 section 9.3.7)
//! gets the methods of the whole table. Methods are case-sensitive (RFC 9110 section 9.1).

mod allow;
mod capture;
mod compiled;
mod error;
mod exact;
mod missing;
mod params;
mod path;
mod pattern;
mod table;
mod trie;

pub use allow::{Allow, AllowIter};
pub use compiled::StaticTable;
pub use error::{RouteError, RouteProblem};
pub use params::Params;
pub use pattern::{MAX_PATTERN, MAX_SEGMENTS};
pub use table::RouteTable;

/// What a table says about a method and a path. `T` is the value of the routes.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'t, T> {
    /// This route answers. The parameters are filled in.
    Match(&'t T),
    /// OPTIONS, and no route of its own: answer with `Allow` (RFC 9110 section 9.3.7).
    Options {
        /// The methods of the path, or of the whole table for `OPTIONS *`.
        allow: Allow<'t>,
    },
    /// The path is known, the method is not among its routes: 405 with `Allow` (RFC 9110 section 15.5.6).
    NotAllowed {
        /// The methods of the path.
        allow: Allow<'t>,
    },
    /// No pattern matches the path: 404.
    NotFound,
    /// The path does not start with `/`, or has invalid percent-encoding, `%00` or a NUL: 400.
    BadPath,
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod table_tests;
