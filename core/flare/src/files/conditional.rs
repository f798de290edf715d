//! Conditional requests for GET and HEAD (RFC 9110, 13).

use std::time::SystemTime;

use super::entity_tag::{self, Comparison};
use super::validators::Validators;
use crate::message::Headers;

/// What the preconditions of a request say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// They hold: the file is sent.
    Proceed,
    /// 304: the client has it already.
    NotModified,
    /// 412: it is not the state that the client means.
    Failed,
}

/// Evaluates the preconditions in the order of 13.2.2.
pub(super) fn evaluate(headers: &Headers, validators: &Validators) -> Outcome {
    if let Some(named) = any_names(headers, "if-match", validators, Comparison::Strong) {
        if !named {
            return Outcome::Failed;
        }
    } else if let (Some(modified), Some(date)) = (validators.modified(), date(headers, "if-unmodified-since"))
        && modified > date
    {
        return Outcome::Failed;
    }
    if let Some(named) = any_names(headers, "if-none-match", validators, Comparison::Weak) {
        if named {
            return Outcome::NotModified;
        }
    } else if let (Some(modified), Some(date)) = (validators.modified(), date(headers, "if-modified-since"))
        && modified <= date
    {
        return Outcome::NotModified;
    }
    Outcome::Proceed
}

/// Whether `If-Range` lets a range be sent (13.1.5): there is no such field, or it is the file's own strong validator.
///
/// A time counts only once the file has settled, as before the same second may see another change.
pub(super) fn range_is_current(headers: &Headers, validators: &Validators) -> bool {
    let mut values = headers.get_all("if-range");
    let Some(value) = values.next() else { return true };
    let Some(tag) = validators.tag().filter(|tag| !tag.is_weak() && values.next().is_none()) else {
        return false;
    };
    if entity_tag::is_entity_tag(value) {
        return tag.matches(value, Comparison::Strong);
    }
    parse_date(value).is_some_and(|date| validators.modified() == Some(date))
}

/// Whether a list of entity tags, over all its lines, names the file's. `None`: there is no such field.
fn any_names(headers: &Headers, name: &str, validators: &Validators, comparison: Comparison) -> Option<bool> {
    let mut found = None;
    for value in headers.get_all(name) {
        let named = entity_tag::names(value, validators.tag(), comparison);
        found = Some(found.unwrap_or(false) || named);
    }
    found
}

/// The date in a field. `None`: there is none, or something else, which is ignored (13.1.3, 13.1.4).
fn date(headers: &Headers, name: &str) -> Option<SystemTime> {
    let mut values = headers.get_all(name);
    let date = parse_date(values.next()?)?;
    values.next().is_none().then_some(date)
}

fn parse_date(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()
}
