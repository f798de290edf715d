//! What people hold: requests, responses, header fields and bodies.

mod body;
mod into_response;
mod request;
mod response;

pub use body::Body;
pub use into_response::{IntoResponse, Json};
pub use request::{Peer, Request};
pub use response::Response;

pub use flare_proto::{Headers, InvalidField, Method, Version};
