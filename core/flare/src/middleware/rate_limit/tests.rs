use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::middleware::sample::request;
use crate::router::Router;
use crate::testing::{TestClient, TestResponse};

/// A clock that stands until it is moved, in milliseconds.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn read(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

fn with_clock(limit: RateLimit) -> (TestClient, Hand) {
    let hand = Hand::default();
    let own = hand.clone();
    let mut router = Router::new();
    router.layer(limit.clock(move || own.read()));
    router.any("/", |_: &Request| "in").unwrap();
    (TestClient::new(router), hand)
}

fn fields(answer: &TestResponse) -> [Option<&str>; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|name| answer.header(name))
}

#[test]
fn too_many_requests_are_refused_until_a_token_is_there() {
    let (client, hand) = with_clock(RateLimit::new(2, 0.5).unwrap());
    assert_eq!([client.get("/").status, client.get("/").status], [200, 200]);
    let refused = client.get("/");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("2")));
    assert_eq!(fields(&refused), [None; 3]);
    hand.advance(1200);
    assert_eq!(client.get("/").header("retry-after"), Some("1"), "rounded up");
    hand.advance(799);
    assert_eq!(client.get("/missing").status, 429, "one millisecond early, and no route");
    hand.advance(1);
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.get("/").status, 429);
    hand.advance(1_000_000);
    assert_eq!([0; 3].map(|_| client.get("/").status), [200, 200, 429]);
}

#[test]
fn answers_say_how_the_client_stands_if_asked() {
    let (client, hand) = with_clock(RateLimit::new(2, 0.1).unwrap().fields(true));
    assert_eq!(fields(&client.get("/")), [Some("2"), Some("1"), Some("10")]);
    assert_eq!(fields(&client.get("/missing")), [Some("2"), Some("0"), Some("20")]);
    hand.advance(5500);
    let refused = client.get("/");
    assert_eq!(refused.status, 429);
    assert_eq!(fields(&refused), [Some("2"), Some("0"), Some("15")]);
}

#[test]
fn clients_are_told_apart_by_address_and_network() {
    let limit = RateLimit::new(1, 1.0).unwrap();
    let same = |limit: &RateLimit, one: &str, other: &str| {
        limit.key_of(&request(one, "GET", "/", &[])) == limit.key_of(&request(other, "GET", "/", &[]))
    };
    assert!(same(&limit, "192.0.2.1:1000", "192.0.2.1:2000"));
    assert!(same(&limit, "192.0.2.1:1000", "[::ffff:192.0.2.1]:1000"));
    assert!(!same(&limit, "192.0.2.1:1000", "192.0.2.2:1000"));
    assert!(same(&limit, "[2001:db8::1]:80", "[2001:db8::ffff:1:2:3]:80"));
    assert!(!same(&limit, "[2001:db8::1]:80", "[2001:db8:0:1::1]:80"));
    assert!(same(&limit, "unix", "unix") && !same(&limit, "unix", "[::]:80"));
    let limit = limit.ipv6_prefix(48);
    assert!(same(&limit, "[2001:db8::1]:80", "[2001:db8:0:1::1]:80"));
    assert!(!same(&limit, "[2001:db8::1]:80", "[2001:db8:1::1]:80"));
    let limit = limit.ipv6_prefix(255);
    assert!(!same(&limit, "[2001:db8::1]:80", "[2001:db8::2]:80"));
    assert!(same(&limit.ipv6_prefix(0), "[2001:db8::1]:80", "[fe80::1]:80"));
}

#[test]
fn a_key_of_the_application_tells_clients_apart() {
    let key = |request: &Request| request.header("x-user").map(str::to_owned);
    let (client, _) = with_clock(RateLimit::new(1, 1.0).unwrap().key(key));
    let send = |user: &str| client.request("GET", "/").header("x-user", user).send().status;
    assert_eq!([send("ann"), send("ben"), send("ann"), send("ben")], [200, 200, 429, 429]);
    assert_eq!([0; 5].map(|_| client.get("/").status), [200; 5], "no key, no limit");
}

#[test]
fn the_client_behind_a_proxy_is_the_one_that_counts() {
    use crate::middleware::{Forwarded, ForwardedField};
    let mut router = Router::new();
    let none: [&str; 0] = [];
    router.layer(Forwarded::new(ForwardedField::XForwarded, none).unwrap().trust_unix_sockets(true));
    router.layer(RateLimit::new(1, 1.0).unwrap().clock(|| Duration::ZERO));
    router.get("/", |_: &Request| "in").unwrap();
    let client = TestClient::new(router);
    let send = |from: &str| client.request("GET", "/").header("x-forwarded-for", from).send().status;
    assert_eq!([send("192.0.2.1"), send("192.0.2.2"), send("192.0.2.1")], [200, 200, 429]);
    assert_eq!(send("6.6.6.6, 192.0.2.1"), 429, "a forged entry does not help");
    assert_eq!([send("unknown"), send("_a"), send("x, _b")], [200, 429, 429], "the unknown share one bucket");
}

#[test]
fn a_refused_upload_is_not_asked_for() {
    let (client, _) = with_clock(RateLimit::new(1, 1.0).unwrap());
    let mut connection = client.connect();
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    connection.received();
    connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert!(connection.received().starts_with(b"HTTP/1.1 429 "));
}

#[test]
fn numbers_out_of_range_are_errors() {
    let field = |capacity, rate| RateLimit::new(capacity, rate).unwrap_err().field;
    assert_eq!(field(0, 1.0), "capacity");
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300, 1e-8] {
        assert_eq!(field(1, rate), "per_second", "{rate}");
    }
    let fast = RateLimit::new(u32::MAX, 1e300).unwrap();
    assert_eq!((fast.rate.capacity, fast.rate.interval), (u64::from(u32::MAX), 1));
}
