//! What people hold: requests, responses, header fields and bodies.

mod body;
mod extensions;
mod into_response;
mod prepared;
mod request;
mod response;
mod source;
mod tls;

pub use body::{Body, FileBody, Part};
pub(crate) use extensions::Extensions;
pub use into_response::{IntoResponse, Json};
pub use prepared::Prepared;
pub(crate) use prepared::PreparedParts;
pub use request::{Peer, Request};
pub use response::Response;
pub use source::{Pull, Source};
pub use tls::TlsSession;

pub use flare_proto::{Headers, InvalidField, Method, Version};
