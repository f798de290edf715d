//! What a handler may return.

use bytes::Bytes;

use crate::message::{Body, InvalidField, Response};

/// A value that can become an answer.
///
/// Implemented for [`Response`], text, bytes, `()` (204), a status code, a status code with any of these, and `Result`.
pub trait IntoResponse {
    /// Becomes an answer.
    fn into_response(self) -> Response
    where
        Self: Sized,
    {
        let mut response = Response::new(200);
        self.write_to(&mut response);
        response
    }

    /// Writes the answer into an empty one, whose memory is used again.
    fn write_to(self, response: &mut Response);
}

/// JSON that is text already: `Json("{}")`.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }

    fn write_to(self, response: &mut Response) {
        *response = self;
    }
}

impl IntoResponse for () {
    fn write_to(self, response: &mut Response) {
        response.status = 204;
    }
}

impl IntoResponse for u16 {
    fn write_to(self, response: &mut Response) {
        response.set_status_only(self);
    }
}

fn content(response: &mut Response, content_type: &'static str, body: Body) {
    response.status = 200;
    response.set_content_type(content_type);
    response.body = body;
}

impl IntoResponse for &'static str {
    fn write_to(self, response: &mut Response) {
        content(response, "text/plain; charset=utf-8", Body::from(self));
    }
}

impl IntoResponse for String {
    fn write_to(self, response: &mut Response) {
        content(response, "text/plain; charset=utf-8", Body::from(self));
    }
}

impl IntoResponse for &'static [u8] {
    fn write_to(self, response: &mut Response) {
        content(response, "application/octet-stream", Body::from(self));
    }
}

impl IntoResponse for Vec<u8> {
    fn write_to(self, response: &mut Response) {
        content(response, "application/octet-stream", Body::from(self));
    }
}

impl IntoResponse for Bytes {
    fn write_to(self, response: &mut Response) {
        content(response, "application/octet-stream", Body::from(self));
    }
}

impl<T: Into<Body>> IntoResponse for Json<T> {
    fn write_to(self, response: &mut Response) {
        content(response, "application/json", self.0.into());
    }
}

impl<T: IntoResponse> IntoResponse for (u16, T) {
    fn write_to(self, response: &mut Response) {
        self.1.write_to(response);
        response.status = self.0;
    }
}

/// A field that can't be sent is the handler's mistake: 500.
impl IntoResponse for InvalidField {
    fn write_to(self, response: &mut Response) {
        response.set_status_only(500);
    }
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn write_to(self, response: &mut Response) {
        match self {
            Ok(value) => value.write_to(response),
            Err(error) => error.write_to(response),
        }
    }
}
