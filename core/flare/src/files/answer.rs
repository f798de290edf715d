//! From a request to the answer with a file, or without.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::SystemTime;

use super::Files;
use super::coding::{self, Coding};
use super::conditional::{self, Outcome};
use super::media_type::MediaType;
use super::multipart;
use super::path::{self, Name};
use super::range::{self, Selection, Span};
use super::validators::Validators;
use crate::message::{Body, FileBody, Headers, Method, Request, Response};

/// Files up to this size are read at once and leave beside their head; `sendfile` would cost a call and a packet more.
const READ_LIMIT: u64 = 16 * 1024;

/// A file that was found.
struct Found {
    file: File,
    metadata: Metadata,
    kind: MediaType,
    coding: Option<Coding>,
}

impl Files {
    /// Fills in the answer to a request.
    pub(super) fn answer(&self, request: &Request, response: &mut Response) {
        if !matches!(request.method(), Method::Get | Method::Head) {
            response.set_status_only(405);
            return set(response, "allow", "GET, HEAD");
        }
        let params = request.params();
        let rest = params.len().checked_sub(1).and_then(|last| params.value_at(last)).unwrap_or_default();
        let found = match path::read(rest, self.hidden) {
            None => Err(io::ErrorKind::NotFound.into()),
            Some(Name::File(path)) => self.find(path, request.headers()),
            Some(Name::Directory(path)) => match &self.index {
                Some(index) => self.find(&[path, index.as_bytes()].concat(), request.headers()),
                None => Err(io::ErrorKind::NotFound.into()),
            },
        };
        match found {
            Ok(found) => self.send(found, request, response),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory && self.index.is_some() => {
                redirect(request, response);
            }
            Err(error) => response.set_status_only(status_of(&error)),
        }
    }

    /// Opens a file, or the compressed one beside it that the client likes better.
    fn find(&self, path: &[u8], headers: &Headers) -> io::Result<Found> {
        let (file, metadata) = self.root.open_file(path)?;
        let kind = MediaType::of(path);
        if self.precompressed {
            for coding in coding::acceptable(headers) {
                let beside = [path, coding.extension().as_bytes()].concat();
                if let Ok((file, other)) = self.root.open_file(&beside)
                    && is_current(&other, &metadata)
                {
                    return Ok(Found { file, metadata: other, kind, coding: Some(coding) });
                }
            }
        }
        Ok(Found { file, metadata, kind, coding: None })
    }

    fn send(&self, found: Found, request: &Request, response: &mut Response) {
        let headers = request.headers();
        let length = found.metadata.len();
        let validators = Validators::new(&found.metadata, found.coding, SystemTime::now());
        match conditional::evaluate(headers, &validators) {
            Outcome::Proceed => {}
            Outcome::NotModified => {
                response.set_status_only(304);
                return self.put_cache_fields(response, &validators);
            }
            Outcome::Failed => {
                response.set_status_only(412);
                return self.put_vary(response);
            }
        }
        // Ranges are defined for GET alone (14.2).
        let selection =
            if request.method() == Method::Get && conditional::range_is_current(headers, &validators) {
                range::select(headers, length)
            } else {
                Selection::Whole
            };
        if selection == Selection::Unsatisfiable {
            response.set_status_only(416);
            set(response, "content-range", &format!("bytes */{length}"));
            set(response, "accept-ranges", "bytes");
            return self.put_vary(response);
        }
        let [kind, charset] = found.kind.value();
        if charset.is_empty() {
            set(response, "content-type", kind);
        } else {
            set(response, "content-type", &[kind, charset].concat());
        }
        set(response, "x-content-type-options", "nosniff");
        set(response, "accept-ranges", "bytes");
        if let Some(coding) = found.coding {
            set(response, "content-encoding", coding.name());
        }
        if let Some(modified) = validators.modified() {
            set(response, "last-modified", &httpdate::fmt_http_date(modified));
        }
        self.put_cache_fields(response, &validators);
        let whole = Span { start: 0, end: length };
        match selection {
            Selection::Whole | Selection::Unsatisfiable => {
                response.status = 200;
                let wanted = request.method() == Method::Get;
                response.body = body(found.file, whole, std::mem::take(&mut response.body), wanted);
            }
            Selection::One(span) => {
                response.status = 206;
                set(response, "content-range", &multipart::content_range(span, length));
                response.body = body(found.file, span, std::mem::take(&mut response.body), true);
            }
            Selection::Many(spans) => {
                response.status = 206;
                let (body, kind) = multipart::build(&Arc::new(found.file), &spans, length, found.kind);
                set(response, "content-type", &kind);
                response.body = body;
            }
        }
    }

    /// The fields that a 304 has in common with a 200 (15.4.5).
    fn put_cache_fields(&self, response: &mut Response, validators: &Validators) {
        if let Some(tag) = validators.tag() {
            set(response, "etag", tag.as_str());
        }
        if let Some(value) = &self.cache_control {
            set(response, "cache-control", value);
        }
        self.put_vary(response);
    }

    fn put_vary(&self, response: &mut Response) {
        if self.precompressed {
            set(response, "vary", "accept-encoding");
        }
    }
}

/// Some bytes of a file: a copy if they are few, in memory that is there already.
fn body(file: File, span: Span, old: Body, wanted: bool) -> Body {
    if wanted && span.length() <= READ_LIMIT {
        let mut bytes = if let Body::Owned(bytes) = old { bytes } else { Vec::new() };
        bytes.resize(usize::try_from(span.length()).unwrap_or_default(), 0);
        if file.read_exact_at(&mut bytes, span.start).is_ok() {
            return Body::Owned(bytes);
        }
        // It became shorter: sending it will say so.
    }
    Body::File(FileBody::new(Arc::new(file), span.start, span.length()))
}

/// Whether a compressed file was made from the original as it is now.
fn is_current(compressed: &Metadata, original: &Metadata) -> bool {
    match (compressed.modified(), original.modified()) {
        (Ok(compressed), Ok(original)) => compressed >= original,
        _ => false,
    }
}

/// To the same directory with its slash. Relative to the request's own path, so that no path can name another host.
fn redirect(request: &Request, response: &mut Response) {
    let name = request.path().rsplit('/').next().unwrap_or_default();
    let location = match request.query() {
        Some(query) => format!("./{name}/?{query}"),
        None => format!("./{name}/"),
    };
    response.set_status_only(301);
    set(response, "location", &location);
}

/// What can't be had is not there. What is left are failures of the machine, as too many open files.
fn status_of(error: &io::Error) -> u16 {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidFilename => 404,
        _ => 503,
    }
}

/// The values are ours or were checked, so they are field values.
fn set(response: &mut Response, name: &str, value: &str) {
    let set = response.headers.set(name, value);
    debug_assert!(set.is_ok(), "{name}: {value}");
}
