//! A client for tests: one request, one answer.

use flare_proto::ResponseHead;
use flare_proto::http1::{BodyEvent, ClientConnection, ContentLength, Limits, RequestParts};

use crate::log::Log;
use crate::message::Headers;
use crate::router::Router;
use crate::server::ServerConfig;
use crate::server::environment::Service;
use crate::testing::TestConnection;

/// Sends requests to a router without a port. Each request has a connection of its own.
pub struct TestClient {
    service: Service,
}

impl std::fmt::Debug for TestClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestClient").finish_non_exhaustive()
    }
}

/// An answer as the client sees it.
#[derive(Debug)]
pub struct TestResponse {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The content.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Headers,
}

impl TestResponse {
    /// The content as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    #[allow(clippy::expect_used, reason = "a test wants to fail here")]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the content is not UTF-8")
    }

    /// The first header field of this name, if its value is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get_str(name)
    }
}

/// A request to be sent.
#[derive(Debug)]
pub struct TestRequest<'c> {
    client: &'c TestClient,
    method: String,
    target: String,
    headers: Headers,
    body: Vec<u8>,
    trailers: Option<Headers>,
}

impl TestClient {
    /// A client for a router with default settings.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self::with_config(router, ServerConfig::default())
    }

    /// A client for a router with settings.
    #[must_use]
    pub fn with_config(router: Router, config: ServerConfig) -> Self {
        Self { service: Service::new(router, config, Log::default(), None, &[]) }
    }

    /// A connection for bytes of the test's own.
    #[must_use]
    pub fn connect(&self) -> TestConnection {
        TestConnection::new(&self.service)
    }

    /// A request to be filled and sent.
    #[must_use]
    pub fn request(&self, method: &str, target: &str) -> TestRequest<'_> {
        TestRequest {
            client: self,
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Headers::new(),
            body: Vec::new(),
            trailers: None,
        }
    }

    /// Sends GET and waits for the answer.
    #[must_use]
    pub fn get(&self, target: &str) -> TestResponse {
        self.request("GET", target).send()
    }

    /// Sends POST with content and waits for the answer.
    #[must_use]
    pub fn post(&self, target: &str, body: impl Into<Vec<u8>>) -> TestResponse {
        self.request("POST", target).body(body).send()
    }
}

#[allow(clippy::expect_used, clippy::panic, reason = "a test wants to fail here")]
impl TestRequest<'_> {
    /// Adds a header field.
    ///
    /// # Panics
    /// When it can't be sent.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name, value).expect("the field can't be sent");
        self
    }

    /// Sets the content.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a trailer field; the content is sent in chunks then.
    ///
    /// # Panics
    /// When it can't be sent.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.get_or_insert_default().append(name, value).expect("the field can't be sent");
        self
    }

    /// Sends the request and waits for the answer, for at most 10 seconds.
    ///
    /// # Panics
    /// When the request can't be sent, or the answer is none.
    #[must_use]
    pub fn send(self) -> TestResponse {
        let mut wire = ClientConnection::new();
        let mut bytes = Vec::new();
        let parts = RequestParts {
            method: &self.method,
            target: &self.target,
            authority: "test",
            headers: &self.headers,
            body: match &self.trailers {
                Some(_) => ContentLength::Unknown,
                None if self.body.is_empty() => ContentLength::None,
                None => ContentLength::Known(self.body.len() as u64),
            },
        };
        wire.send_head(&mut bytes, &parts).expect("the request can't be sent");
        if !self.body.is_empty() {
            wire.send_data(&mut bytes, &self.body).expect("the content can't be sent");
        }
        wire.send_end(&mut bytes, self.trailers.as_ref()).expect("the end can't be sent");
        let mut connection = self.client.connect();
        connection.send(&bytes);
        assert!(connection.wait(), "no answer to {} {}", self.method, self.target);
        read_answer(&mut wire, &connection.received())
    }
}

#[allow(clippy::expect_used, clippy::panic, reason = "a test wants to fail here")]
fn read_answer(wire: &mut ClientConnection, mut input: &[u8]) -> TestResponse {
    let limits = Limits { head_bytes: 1 << 20, header_count: 1024, ..Limits::default() };
    let mut head = ResponseHead::new();
    loop {
        let (used, info) = wire
            .receive_head(&limits, input, &mut head)
            .expect("the answer is none")
            .expect("no whole answer");
        input = &input[used..];
        if !info.informational {
            break;
        }
    }
    let mut headers = Headers::new();
    for (name, value) in head.headers().iter() {
        headers.append(name, value).expect("a received field is a field");
    }
    let mut answer =
        TestResponse { status: head.status(), headers, body: Vec::new(), trailers: Headers::new() };
    while !wire.response_complete() {
        match wire.receive_body(&limits, input, &mut answer.trailers).expect("the content is broken") {
            (used, BodyEvent::Data(data)) => {
                answer.body.extend_from_slice(data);
                input = &input[used..];
            }
            (used, BodyEvent::End) => input = &input[used..],
            (0, BodyEvent::Incomplete) => {
                wire.receive_eof().expect("the answer is cut");
                break;
            }
            (used, BodyEvent::Incomplete) => input = &input[used..],
        }
    }
    assert!(input.is_empty(), "bytes behind the answer: {input:?}");
    answer
}
