//! Field sections that become heads and trailers (RFC 9113 section 8, RFC 9114 section 4).

use super::info::{RequestInfo, ResponseInfo};
use super::priority::Priority;
use crate::field_coding::budget::{Budget, SectionLimits};
use crate::field_coding::decoded_field::DecodedField;
use crate::field_coding::field_kind::FieldKind;
use crate::field_coding::field_source::FieldSource;
use crate::headers::Span;
use crate::http1::{is_allowed_in_trailers, parse_length};
use crate::{Headers, Method, RequestHead, ResponseHead, Version};

/// What became of a section that could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Read<T> {
    Good(T),
    /// It passes a limit of this end, or asks what it can't do.
    Refused {
        status: u16,
        reason: &'static str,
    },
    /// It breaks the rules.
    Malformed(&'static str),
}

/// A longer method is not in use.
const METHOD_BYTES: usize = 64;

/// What is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) version: Version,
    /// Of a head, as the limits count them.
    pub(crate) head_bytes: u32,
    /// Of a head, and of trailers.
    pub(crate) header_count: u16,
    pub(crate) target_bytes: u32,
    pub(crate) trailer_bytes: u32,
    /// Whether Extended CONNECT was offered.
    pub(crate) extended_connect: bool,
}

impl Rules {
    fn of_head(&self) -> SectionLimits {
        SectionLimits { bytes: self.head_bytes, fields: u32::from(self.header_count) }
    }

    fn of_trailers(&self) -> SectionLimits {
        SectionLimits { bytes: self.trailer_bytes, fields: u32::from(self.header_count) }
    }
}

/// What is noted while the fields of a request go by.
#[derive(Default)]
struct RequestFields {
    has_regular: bool,
    has_path: bool,
    has_scheme: bool,
    is_target_too_long: bool,
    is_target_malformed: bool,
    is_unknown_expectation: bool,
    expects_continue: bool,
    accepts_trailers: bool,
    cookies: u32,
    content_length: Option<u64>,
    priority: Option<Priority>,
    host: Option<Span>,
}

/// Reads the head of a request. `ended`: nothing follows it.
#[inline]
pub(crate) fn read_request<S: FieldSource>(
    mut section: S,
    rules: &Rules,
    ended: bool,
    head: &mut RequestHead,
) -> Result<Read<RequestInfo>, S::Error> {
    head.begin(rules.version);
    let mut budget = Budget::new(rules.of_head());
    let mut fields = RequestFields::default();
    while let Some(field) = section.next(&mut budget, head.text_mut())? {
        if let Err(reason) = fields.note(rules, head, &field) {
            section.skip(&mut budget)?;
            return Ok(Read::Malformed(reason));
        }
    }
    if budget.exceeded() {
        return Ok(Read::Refused { status: 431, reason: "head too large" });
    }
    Ok(fields.finish(rules, ended, head))
}

impl RequestFields {
    #[inline]
    fn note(
        &mut self,
        rules: &Rules,
        head: &mut RequestHead,
        field: &DecodedField,
    ) -> Result<(), &'static str> {
        if !field.is_good {
            // A request that could be one but for its target gets an answer, as on HTTP/1.
            let is_target = field.kind == FieldKind::Path && head.text_of(field.value()).starts_with(b"/");
            if !is_target || self.has_regular || std::mem::replace(&mut self.has_path, true) {
                return Err(what_is_bad(field.kind));
            }
            self.is_target_malformed = true;
            return Ok(());
        }
        let is_pseudo = matches!(
            field.kind,
            FieldKind::Method
                | FieldKind::Scheme
                | FieldKind::Authority
                | FieldKind::Path
                | FieldKind::Protocol
                | FieldKind::Status
        );
        if is_pseudo {
            return if self.has_regular {
                Err("pseudo-field behind a field")
            } else {
                self.note_pseudo(rules, head, field)
            };
        }
        self.has_regular = true;
        if field.kind != FieldKind::Other {
            self.note_known(head, field)?;
        }
        head.push_field(field.name(), field.value());
        Ok(())
    }

    #[inline]
    fn note_pseudo(
        &mut self,
        rules: &Rules,
        head: &mut RequestHead,
        field: &DecodedField,
    ) -> Result<(), &'static str> {
        let value = field.value();
        let is_first = match field.kind {
            FieldKind::Method => head.set_method(value),
            FieldKind::Scheme => !std::mem::replace(&mut self.has_scheme, true) && head.set_scheme(value),
            FieldKind::Authority => head.set_authority(value),
            FieldKind::Path => {
                self.is_target_too_long |= value.end - value.start > rules.target_bytes;
                !std::mem::replace(&mut self.has_path, true) && head.set_target(value)
            }
            FieldKind::Protocol => head.set_protocol(value),
            _ => return Err("pseudo-field of an answer in a request"),
        };
        if is_first { Ok(()) } else { Err("pseudo-field twice") }
    }

    fn note_known(&mut self, head: &RequestHead, field: &DecodedField) -> Result<(), &'static str> {
        let value = head.text_of(field.value());
        match field.kind {
            FieldKind::ContentLength => {
                if self.content_length.is_some() {
                    return Err("content-length twice");
                }
                self.content_length = parse_length(value);
            }
            FieldKind::Te => self.accepts_trailers = true,
            FieldKind::Host => {
                return self.host.replace(field.value()).map_or(Ok(()), |_| Err("host twice"));
            }
            FieldKind::Expect if value.eq_ignore_ascii_case(b"100-continue") => self.expects_continue = true,
            FieldKind::Expect => self.is_unknown_expectation = true,
            FieldKind::Cookie => self.cookies += 1,
            FieldKind::Priority => self.priority = Some(Priority::parse(value)),
            _ => {}
        }
        Ok(())
    }

    fn finish(self, rules: &Rules, ended: bool, head: &mut RequestHead) -> Read<RequestInfo> {
        if let Err(reason) = self.check(rules, ended, head) {
            return Read::Malformed(reason);
        }
        if head.method_bytes().len() > METHOD_BYTES {
            return Read::Refused { status: 501, reason: "method too long" };
        }
        if self.is_target_too_long {
            return Read::Refused { status: 414, reason: "request target too long" };
        }
        if self.is_target_malformed {
            return Read::Refused { status: 400, reason: "malformed :path" };
        }
        if self.is_unknown_expectation {
            return Read::Refused { status: 417, reason: "unknown expectation" };
        }
        if self.cookies > 1 && !head.join_cookies() {
            return Read::Refused { status: 431, reason: "head too large" };
        }
        if self.host.is_none() {
            head.add_host();
        }
        Read::Good(RequestInfo {
            ended,
            content_length: self.content_length,
            expects_continue: self.expects_continue && !ended,
            accepts_trailers: self.accepts_trailers,
            is_connect: head.method() == Method::Connect,
            priority: self.priority.unwrap_or(Priority::UNKNOWN),
        })
    }

    /// RFC 9113 section 8.3.1, RFC 9114 section 4.3.1, RFC 8441 section 4.
    fn check(&self, rules: &Rules, ended: bool, head: &mut RequestHead) -> Result<(), &'static str> {
        if head.method_bytes().is_empty() {
            return Err("no :method");
        }
        if let Some(host) = self.host {
            // The two may differ only in how they are written.
            if !head.set_authority(host) && !head.authority_is(host) {
                return Err("host differs from :authority");
            }
        }
        let is_extended = head.protocol().is_some();
        if head.method() == Method::Connect && !is_extended {
            if self.has_scheme || self.has_path {
                return Err("CONNECT with :scheme or :path");
            }
            if !head.has_reachable_authority() {
                return Err("CONNECT without a host and a port");
            }
        } else {
            if is_extended && (head.method() != Method::Connect || !rules.extended_connect) {
                return Err(":protocol that was not offered");
            }
            if !self.has_scheme || !self.has_path {
                return Err("no :scheme or no :path");
            }
            if head.has_no_host() && matches!(head.scheme(), Some("http" | "https")) {
                return Err("no :authority and no host");
            }
            if head.path_bytes() == b"*" && head.method() != Method::Options {
                return Err(":path of OPTIONS alone");
            }
        }
        if ended && self.content_length.is_some_and(|length| length > 0) {
            return Err("content-length without content");
        }
        Ok(())
    }
}

/// What is to be said of a field whose name or value can't be.
#[cold]
fn what_is_bad(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Invalid => "invalid field name",
        FieldKind::Connection => "field of HTTP/1 connections",
        FieldKind::Te => "te says more than trailers",
        FieldKind::ContentLength => "malformed content-length",
        FieldKind::Method => "malformed :method",
        FieldKind::Scheme => "malformed :scheme",
        FieldKind::Authority | FieldKind::Host => "malformed authority",
        FieldKind::Path => "malformed :path",
        FieldKind::Protocol => "malformed :protocol",
        FieldKind::Status => "malformed :status",
        _ => "invalid field value",
    }
}

/// Reads the head of an answer, also an interim one.
pub(crate) fn read_response<S: FieldSource>(
    mut section: S,
    rules: &Rules,
    ended: bool,
    head: &mut ResponseHead,
) -> Result<Read<ResponseInfo>, S::Error> {
    head.begin(rules.version);
    let mut budget = Budget::new(rules.of_head());
    let mut content_length = None;
    while let Some(field) = section.next(&mut budget, head.text_mut())? {
        if let Err(reason) = note_of_response(head, &field, &mut content_length) {
            section.skip(&mut budget)?;
            return Ok(Read::Malformed(reason));
        }
    }
    if budget.exceeded() {
        return Ok(Read::Refused { status: 431, reason: "head too large" });
    }
    Ok(match head.status() {
        0 => Read::Malformed("no :status"),
        101 => Read::Malformed("101 is of HTTP/1 alone"),
        100..200 if ended => Read::Malformed("an interim answer that ends the stream"),
        _ => Read::Good(ResponseInfo { ended, content_length }),
    })
}

fn note_of_response(
    head: &mut ResponseHead,
    field: &DecodedField,
    content_length: &mut Option<u64>,
) -> Result<(), &'static str> {
    if !field.is_good {
        return Err(what_is_bad(field.kind));
    }
    match field.kind {
        FieldKind::Status if !head.headers().is_empty() => return Err("pseudo-field behind a field"),
        FieldKind::Status => {
            return if head.set_status(field.value()) { Ok(()) } else { Err("pseudo-field twice") };
        }
        FieldKind::Method
        | FieldKind::Scheme
        | FieldKind::Authority
        | FieldKind::Path
        | FieldKind::Protocol => {
            return Err("pseudo-field of a request in an answer");
        }
        FieldKind::ContentLength => {
            if content_length.is_some() {
                return Err("content-length twice");
            }
            *content_length = parse_length(head.text_of(field.value()));
        }
        _ => {}
    }
    head.push_field(field.name(), field.value());
    Ok(())
}

/// Reads trailers. Those that RFC 9110 section 6.5.1 forbids are dropped.
pub(crate) fn read_trailers<S: FieldSource>(
    mut section: S,
    rules: &Rules,
    trailers: &mut Headers,
) -> Result<Read<()>, S::Error> {
    trailers.clear();
    let mut budget = Budget::new(rules.of_trailers());
    while let Some(field) = section.next(&mut budget, &mut trailers.text)? {
        let reason = match field.kind {
            _ if !field.is_good => what_is_bad(field.kind),
            FieldKind::Method
            | FieldKind::Scheme
            | FieldKind::Authority
            | FieldKind::Path
            | FieldKind::Protocol
            | FieldKind::Status => "pseudo-field in trailers",
            _ => {
                if is_allowed_in_trailers(field.name().of(&trailers.text)) {
                    trailers.push(field.name(), field.value());
                } else {
                    trailers.text.truncate(field.start as usize);
                }
                continue;
            }
        };
        trailers.clear();
        section.skip(&mut budget)?;
        return Ok(Read::Malformed(reason));
    }
    if budget.exceeded() {
        trailers.clear();
        return Ok(Read::Refused { status: 431, reason: "trailers too large" });
    }
    Ok(Read::Good(()))
}
