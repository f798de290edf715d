//! Messages that are sent: what their fields say, and which of them go out (RFC 9113 section 8, RFC 9114 section 4).

use super::UNKNOWN_LENGTH;
use crate::http1::{decimal, is_allowed_in_trailers, parse_length};
use crate::known_field::{KnownField, known_field};
use crate::{ContentLength, Headers, ResponseParts, SendError};

/// What the fields of a message that is sent say to the connection.
#[derive(Default)]
pub(crate) struct SentFields {
    pub(crate) content_length: Option<u64>,
    pub(crate) has_date: bool,
    pub(crate) has_server: bool,
    pub(crate) host: Option<usize>,
}

impl SentFields {
    /// Looks at the fields before any is written: what is written changes the compression.
    #[inline]
    pub(crate) fn of(headers: &Headers) -> Result<Self, SendError> {
        let mut sent = SentFields::default();
        for (at, (name, value)) in headers.raw().enumerate() {
            match known_field(name) {
                None => {}
                Some(KnownField::TransferEncoding) => return Err(SendError::TransferEncoding),
                Some(KnownField::ContentLength) => {
                    if sent.content_length.is_some() {
                        return Err(SendError::ContentLength);
                    }
                    sent.content_length = Some(parse_length(value).ok_or(SendError::ContentLength)?);
                }
                Some(KnownField::Host) => {
                    sent.host.replace(at).map_or(Ok(()), |_| Err(SendError::Authority))?;
                }
                Some(KnownField::Date) => sent.has_date = true,
                Some(KnownField::Server) => sent.has_server = true,
                _ => {}
            }
        }
        Ok(sent)
    }

    /// The length of the content by what the sender says and what the field says; `None`: not known.
    pub(crate) fn length(&self, body: ContentLength) -> Result<Option<u64>, SendError> {
        match (body, self.content_length) {
            (ContentLength::None, None | Some(0)) => Ok(Some(0)),
            (ContentLength::Known(length), None) => Ok(Some(length)),
            (ContentLength::Known(length), Some(field)) if length == field => Ok(Some(length)),
            (ContentLength::Unknown, field) => Ok(field),
            _ => Err(SendError::ContentLength),
        }
    }
}

/// How an answer's content is sent.
pub(crate) struct ContentPlan {
    /// The content-length to send.
    field: Option<u64>,
    /// Whether content, or an end of its own, follows the head.
    pub(crate) follows: bool,
    /// The content's length, or [`UNKNOWN_LENGTH`].
    pub(crate) length: u64,
}

impl ContentPlan {
    fn nothing(field: Option<u64>) -> Self {
        ContentPlan { field, follows: false, length: 0 }
    }

    /// RFC 9110 section 8.6.
    #[inline]
    fn of(status: u16, asked: Asked, body: ContentLength, sent: &SentFields) -> Result<Self, SendError> {
        let field = sent.content_length;
        if asked.is_connect && (200..300).contains(&status) {
            return Ok(ContentPlan { field: None, follows: true, length: UNKNOWN_LENGTH });
        }
        Ok(match status {
            204 => ContentPlan::nothing(None),
            304 => ContentPlan::nothing(field),
            205 => ContentPlan::nothing(Some(0)),
            _ if asked.is_head => ContentPlan::nothing(field.or(match body {
                // What a GET would get is not known from having nothing here.
                ContentLength::None | ContentLength::Unknown => None,
                ContentLength::Known(length) => Some(length),
            })),
            _ => match sent.length(body)? {
                Some(0) => ContentPlan::nothing(Some(0)),
                Some(length) => ContentPlan { field: Some(length), follows: true, length },
                None => ContentPlan { field: None, follows: true, length: UNKNOWN_LENGTH },
            },
        })
    }
}

/// What the request was that is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) is_head: bool,
    pub(crate) is_connect: bool,
}

/// The head of an answer that can be sent.
pub(crate) struct CheckedResponse<'a> {
    parts: &'a ResponseParts<'a>,
    sent: SentFields,
    pub(crate) plan: ContentPlan,
}

impl<'a> CheckedResponse<'a> {
    /// Looks at everything before any of it is written.
    #[inline]
    pub(crate) fn of(parts: &'a ResponseParts<'a>, asked: Asked) -> Result<Self, SendError> {
        if !(200..=999).contains(&parts.status) {
            return Err(SendError::Status);
        }
        let sent = SentFields::of(parts.headers)?;
        let plan = ContentPlan::of(parts.status, asked, parts.body, &sent)?;
        Ok(CheckedResponse { parts, sent, plan })
    }

    /// The fields behind `:status`.
    #[inline]
    pub(crate) fn write(&self, mut field: impl FnMut(&[u8], &[u8])) {
        write_fields(self.parts.headers, true, &mut field);
        if let Some(origin) = self.parts.origin {
            if let Some(server) = origin.server().filter(|_| !self.sent.has_server) {
                field(b"server", server);
            }
            if let Some(date) = origin.date().filter(|_| !self.sent.has_date) {
                field(b"date", date);
            }
        }
        if let Some(length) = self.plan.field {
            field(b"content-length", decimal(length, &mut [0; 20]));
        }
    }
}

/// Whether an interim answer can be sent: 100, 102..=199, and no fields that frame a message.
pub(crate) fn check_interim(status: u16, headers: &Headers) -> Result<(), SendError> {
    if !(100..200).contains(&status) || status == 101 {
        return Err(SendError::Status);
    }
    match SentFields::of(headers)?.content_length {
        Some(_) => Err(SendError::ContentLength),
        None => Ok(()),
    }
}

/// The trailers that are to be sent: none if there are no fields.
pub(crate) fn check_trailers(trailers: Option<&Headers>) -> Result<Option<&Headers>, SendError> {
    let trailers = trailers.filter(|trailers| !trailers.is_empty());
    if trailers.is_some_and(|trailers| !trailers.raw().all(|(name, _)| is_allowed_in_trailers(name))) {
        return Err(SendError::Trailer);
    }
    Ok(trailers)
}

/// Writes fields, but for those that the connection writes itself and those that are of HTTP/1 alone.
#[inline]
pub(crate) fn write_fields(headers: &Headers, is_server: bool, field: &mut impl FnMut(&[u8], &[u8])) {
    for (name, value) in headers.raw() {
        match known_field(name) {
            Some(
                KnownField::Connection
                | KnownField::KeepAlive
                | KnownField::ContentLength
                | KnownField::Upgrade
                | KnownField::TransferEncoding,
            ) => {}
            // It is the authority of a request.
            Some(KnownField::Host) if !is_server => {}
            Some(KnownField::Te) if !value.eq_ignore_ascii_case(b"trailers") => {}
            None if name == b"proxy-connection" => {}
            _ => field(name, value),
        }
    }
}
