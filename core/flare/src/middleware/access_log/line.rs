//! The formats of a line.

use std::fmt::{Display, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::AccessFormat;
use super::text::{push_common_time, push_json, push_plain, push_rfc3339, push_word};
use crate::log::AccessRecord;
use crate::message::Request;
use crate::middleware::{AssignedId, Identity, client_ip, identity, request_id};

/// What a line tells.
pub(super) struct Line<'a> {
    record: &'a AccessRecord<'a>,
    time: SystemTime,
    client: Option<IpAddr>,
    id: Option<Arc<AssignedId>>,
    user: Option<Arc<Identity>>,
}

impl<'a> Line<'a> {
    pub(super) fn new(record: &'a AccessRecord<'a>, time: SystemTime) -> Self {
        let request = record.request;
        Self { record, time, client: client_ip(request), id: request_id(request), user: identity(request) }
    }

    pub(super) fn write(&self, format: AccessFormat, out: &mut String) {
        match format {
            AccessFormat::Common => self.write_plain(false, out),
            AccessFormat::Combined => self.write_plain(true, out),
            AccessFormat::Json => self.write_json(out),
        }
    }

    fn write_plain(&self, combined: bool, out: &mut String) {
        let request = self.record.request;
        push_known(out, self.client);
        out.push_str(" - ");
        push_word(out, self.user.as_ref().map_or("", |user| user.name()));
        out.push_str(" [");
        push_common_time(out, self.time);
        out.push_str("] \"");
        push_plain(out, request.method_str().as_bytes());
        out.push(' ');
        for part in target(request) {
            push_plain(out, part.as_bytes());
        }
        out.push(' ');
        out.push_str(request.version().as_str());
        out.push_str("\" ");
        push_known(out, Some(self.record.status).filter(|status| *status != 0));
        out.push(' ');
        push_known(out, Some(self.record.body_bytes).filter(|bytes| *bytes != 0));
        if combined {
            for name in ["referer", "user-agent"] {
                push_quoted(out, request.headers().get(name));
            }
        }
        if let Some(id) = &self.id {
            push_quoted(out, Some(id.as_str().as_bytes()));
        }
    }

    fn write_json(&self, out: &mut String) {
        let record = self.record;
        let request = record.request;
        let field = |name| request.headers().get(name);
        out.push_str("{\"time\":\"");
        push_rfc3339(out, self.time);
        out.push_str("\",\"id\":");
        push_member(out, self.id.as_ref().map(|id| id.as_str().as_bytes()));
        out.push_str(",\"client\":");
        match self.client {
            // Never Err: a string takes everything. An address has nothing to escape.
            Some(ip) => drop(write!(out, "\"{ip}\"")),
            None => out.push_str("null"),
        }
        out.push_str(",\"user\":");
        push_member(out, self.user.as_ref().map(|user| user.name().as_bytes()));
        out.push_str(",\"method\":");
        push_member(out, Some(request.method_str().as_bytes()));
        out.push_str(",\"target\":");
        push_member(out, Some(target(request).concat().as_bytes()));
        out.push_str(",\"version\":");
        push_member(out, Some(request.version().as_str().as_bytes()));
        out.push_str(",\"host\":");
        push_member(out, Some(request.authority().as_bytes()).filter(|host| !host.is_empty()));
        let (status, bytes, ms) = (record.status, record.body_bytes, record.duration.as_millis());
        let _ = write!(
            out,
            ",\"status\":{status},\"bytes\":{bytes},\"ms\":{ms},\"whole\":{},\"referer\":",
            record.whole
        );
        push_member(out, field("referer"));
        out.push_str(",\"user_agent\":");
        push_member(out, field("user-agent"));
        out.push('}');
    }
}

/// The target as it came, in its origin form; that of CONNECT is its authority.
fn target(request: &Request) -> [&str; 3] {
    match (request.path(), request.query()) {
        ("", None) => [request.authority(), "", ""],
        (path, None) => [path, "", ""],
        (path, Some(query)) => [path, "?", query],
    }
}

fn push_known(out: &mut String, value: Option<impl Display>) {
    match value {
        Some(value) => drop(write!(out, "{value}")),
        None => out.push('-'),
    }
}

/// A space and a value in quotes; `"-"` when there is none.
fn push_quoted(out: &mut String, value: Option<&[u8]>) {
    out.push_str(" \"");
    push_plain(out, value.unwrap_or(b"-"));
    out.push('"');
}

fn push_member(out: &mut String, value: Option<&[u8]>) {
    match value {
        Some(value) => push_json(out, value),
        None => out.push_str("null"),
    }
}
