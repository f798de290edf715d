//! A name for each request, to find it again in logs.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::exchange::Exchange;
use crate::message::{Request, Response};
use crate::middleware::{Middleware, Step};

/// The field of requests and answers that carries the id.
const FIELD: &str = "x-request-id";

/// The longest id that is taken from a request, in bytes.
const LONGEST: usize = 128;

/// Gives each request an id: handlers and logs get it from [`request_id`], the client from the field `x-request-id` of the
/// answer.
///
/// The id is unique among all servers that use this middleware, and no secret: 32 hexadecimal digits, some of which count. An
/// id that the client sent is only taken when [`RequestId::trust_incoming`] says so: otherwise clients could write what they
/// like into logs.
///
/// ```
/// use flare::middleware::{RequestId, request_id};
/// use flare::prelude::*;
///
/// let mut router = Router::new();
/// router.layer(RequestId::new());
/// router.get("/", |request: &Request| match request_id(request) {
///     Some(id) => format!("this is request {}", id.as_str()),
///     None => "this request has no id".to_owned(),
/// })?;
/// # Ok::<(), flare::RouteError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct RequestId {
    trust_incoming: bool,
}

impl RequestId {
    /// Makes an id for each request, whatever the client sent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether an id that came with the request stays: a single field `x-request-id` of 1 to 128 visible ASCII characters. For
    /// servers that only a proxy can reach.
    #[must_use]
    pub fn trust_incoming(mut self, trust: bool) -> Self {
        self.trust_incoming = trust;
        self
    }

    fn id(&self, request: &Request) -> AssignedId {
        let incoming = if self.trust_incoming { incoming(request) } else { None };
        incoming.unwrap_or_else(AssignedId::make)
    }
}

impl Middleware for RequestId {
    fn on_request(&self, exchange: Exchange) -> Step {
        let request = exchange.request();
        request.set_extension(self.id(request));
        Step::Next(exchange)
    }

    fn on_head(&self, request: &Request, response: &mut Response) {
        if let Some(id) = request_id(request) {
            let set = response.headers_mut().set(FIELD, id.as_str());
            debug_assert!(set.is_ok(), "not a field value: {}", id.as_str());
        }
    }
}

/// The id of a request, if [`RequestId`] has seen it.
#[must_use]
pub fn request_id(request: &Request) -> Option<Arc<AssignedId>> {
    request.extension()
}

/// The id of a request: 1 to 128 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct AssignedId {
    /// In place, so that an id costs one allocation.
    text: [u8; LONGEST],
    length: u8,
}

impl AssignedId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.text.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    /// `None` unless it is of a sane length and of visible ASCII.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let mut text = [0; LONGEST];
        text.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { text, length: u8::try_from(bytes.len()).ok()? })
    }

    fn make() -> Self {
        let (thread, count) = NEXT.with(|next| {
            let (thread, count) = next.get();
            next.set((thread, count.wrapping_add(1)));
            (thread, count)
        });
        let mut text = [0; LONGEST];
        let number = u128::from(thread) << 64 | u128::from(count);
        for (place, shift) in text.iter_mut().zip((0..32).rev()) {
            let digit = (number >> (4 * shift) & 0xf) as u8;
            *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        }
        Self { text, length: 32 }
    }
}

impl std::fmt::Debug for AssignedId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AssignedId").field(&self.as_str()).finish()
    }
}

impl std::fmt::Display for AssignedId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

thread_local! {
    /// A random number that tells this thread from all others, and a count. No thread waits for another one.
    static NEXT: Cell<(u64, u64)> = Cell::new((RandomState::new().hash_one(std::process::id()), 0));
}

/// Two ids contradict each other, so neither is taken.
fn incoming(request: &Request) -> Option<AssignedId> {
    let mut values = request.headers().get_all(FIELD);
    let id = AssignedId::from_bytes(values.next()?)?;
    values.next().is_none().then_some(id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::middleware::sample::request;
    use crate::router::Router;
    use crate::testing::TestClient;

    fn client(middleware: RequestId) -> TestClient {
        let mut router = Router::new();
        router.layer(middleware);
        router
            .get("/", |request: &Request| request_id(request).map_or(String::new(), |id| id.to_string()))
            .unwrap();
        TestClient::new(router)
    }

    #[test]
    fn ids_of_several_threads_are_different_and_of_32_digits() {
        let make = || (0..1000).map(|_| AssignedId::make().to_string()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
        let ids: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit())));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4000);
    }

    #[test]
    fn the_handler_and_the_client_see_the_same_id() {
        let client = client(RequestId::new());
        let (first, second) = (client.get("/"), client.get("/"));
        assert_eq!(first.header(FIELD), Some(first.text()));
        assert_eq!(first.text().len(), 32);
        assert_ne!(first.text(), second.text());
        assert_eq!(client.get("/missing").header(FIELD).map(str::len), Some(32), "no route");
    }

    #[test]
    fn an_id_of_the_client_is_taken_only_when_trusted() {
        let send = |client: &TestClient| client.request("GET", "/").header(FIELD, "mine-1").send();
        assert_ne!(send(&client(RequestId::new())).text(), "mine-1");
        let trusted = send(&client(RequestId::new().trust_incoming(true)));
        assert_eq!((trusted.text(), trusted.header(FIELD)), ("mine-1", Some("mine-1")));
    }

    #[test]
    fn only_sane_ids_are_taken() {
        let taken = |values: &[&str]| {
            let fields: Vec<_> = values.iter().map(|value| (FIELD, *value)).collect();
            RequestId::new().trust_incoming(true).id(&request("unix", "GET", "/", &fields)).to_string()
        };
        let longest = "x".repeat(LONGEST);
        for sane in ["a", "6f1d-\"{}\\", &longest] {
            assert_eq!(taken(&[sane]), sane);
        }
        let too_long = "x".repeat(LONGEST + 1);
        for wrong in
            [&[""][..], &["a b"], &["a\tb"], &["\u{e9}"], &[&too_long], &["a", "b"], &["a", "a"], &[]]
        {
            assert_eq!(taken(wrong).len(), 32, "{wrong:?}");
        }
    }
}
