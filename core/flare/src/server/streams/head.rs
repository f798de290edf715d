//! Heads: what that of a request says to its exchange, and what that of an answer is made of.

use flare_proto::http1::BodyLength;
use flare_proto::{ContentLength, ResponseParts, http2};

use crate::message::{Request, Response};
use crate::server::environment::Environment;
use crate::server::running::{Opening, status_to_send};

/// What a head says to its exchange besides its fields.
pub(crate) fn opening(info: &http2::RequestInfo) -> Opening {
    Opening {
        length: match info.content_length {
            // What a CONNECT sends is no content (RFC 9110, 9.3.6).
            _ if info.ended || info.is_connect => BodyLength::Empty,
            Some(length) => BodyLength::Known(length),
            None => BodyLength::Chunked,
        },
        expects_continue: info.expects_continue,
        offers_switch: info.is_connect && !info.ended,
    }
}

/// What the head of an answer is made of. `flows`: how much content follows is not known but by a field.
pub(crate) fn response_parts<'a>(
    answer: &'a mut Response,
    flows: bool,
    env: &'a Environment,
) -> ResponseParts<'a> {
    answer.unprepare();
    let length = if flows {
        answer.headers.get_str("content-length").and_then(|text| text.parse().ok())
    } else {
        // With trailers the head must not end the message, also when there is no content.
        answer.body.length().filter(|_| answer.trailers.is_none())
    };
    ResponseParts {
        status: status_to_send(answer),
        headers: &answer.headers,
        body: length.map_or(ContentLength::Unknown, ContentLength::Known),
        origin: Some(env.date.fields()),
    }
}

/// A plain error that echoes nothing.
pub(crate) fn refusal(status: u16) -> Response {
    let mut answer = Response::status_only(status);
    if status == 503 {
        let set = answer.headers.set("retry-after", "1");
        debug_assert!(set.is_ok());
    }
    answer
}

/// Whether this answer accepts another protocol: a 2xx to a CONNECT that offers one (RFC 8441, 5; RFC 9220, 3).
pub(crate) fn switches(request: &Request, status: u16) -> bool {
    request.block.offers_switch && (200..300).contains(&status)
}
