//! What heads say to the connection's owner.

use super::priority::Priority;

/// What a request's head says to the connection's owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestInfo {
    /// The request has no content and no trailers: it is whole.
    pub ended: bool,
    /// The length of the content, if the client said it. Content that differs from it resets the stream.
    pub content_length: Option<u64>,
    /// The client waits for a 100 before it sends the content (RFC 9110 section 10.1.1). Never when the request has ended.
    pub expects_continue: bool,
    /// The client said `te: trailers`: it will look at trailers (RFC 9110 section 6.5.1).
    pub accepts_trailers: bool,
    /// A CONNECT: with a 2xx answer the stream carries bytes both ways. With [`RequestHead::protocol`](crate::RequestHead::protocol) it is an
    /// Extended CONNECT (RFC 8441, RFC 9220).
    pub is_connect: bool,
    /// How urgent the answer is.
    pub priority: Priority,
}

/// What an answer's head says to the connection's owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResponseInfo {
    /// The answer has no content and no trailers: it is whole.
    pub ended: bool,
    /// The length of the content, if the server said it; of an answer to HEAD, that of the content that a GET would get. Content that differs from
    /// it resets the stream.
    pub content_length: Option<u64>,
}
