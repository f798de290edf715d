//! HTTP/1.0 and HTTP/1.1 (RFC 9112), for servers and clients.
//!
//! A connection is a value that is fed the bytes that came in, and appends the bytes to send to a `Vec<u8>`. It copies no body
//! bytes it receives and allocates nothing of its own. What RFC 9112 lets a recipient refuse is refused: a bare LF as a line
//! end, Content-Length together with Transfer-Encoding, repeated lengths, white space where it does not belong. Two programs
//! that read such a message differently are how requests get smuggled.

mod body_decoder;
mod body_encoder;
mod chunk_line;
mod client;
mod error;
mod framing;
mod head_end;
mod head_writer;
mod limits;
mod prepared;
mod request_parser;
mod response_parser;
mod server;
mod trailers;

pub use body_decoder::BodyEvent;
pub use body_encoder::BodyFraming;
pub use client::{ClientConnection, RequestParts, ResponseInfo, ResponseLength};
pub use error::Error;
pub use framing::BodyLength;
pub(crate) use framing::parse_length;
pub(crate) use head_writer::{decimal, push_field};
pub use limits::Limits;
pub use prepared::PreparedResponse;
pub use server::{RequestInfo, ServerConnection};
pub use trailers::is_allowed as is_allowed_in_trailers;

pub use crate::{ContentLength, OriginFields, ResponseParts, SendError};
