//! Middleware: what happens around handlers. A number for each request and a line of log around everything, a key and a limit
//! around what is mounted below /api. `protect.rs` uses those that come with flare.
#![allow(clippy::print_stdout, reason = "a program, not a library")]
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::Instant;

use flare::log::AccessRecord;
use flare::middleware::{Middleware, Step};
use flare::prelude::*;

/// Each request gets a number, which handlers see as an attribute and clients as a field.
#[derive(Default)]
struct Number(AtomicU32);

impl Middleware for Number {
    fn on_request(&self, exchange: Exchange) -> Step {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        exchange.request().set_attribute("id", &number.to_string());
        Step::Next(exchange)
    }

    fn on_head(&self, request: &Request, response: &mut Response) {
        let id = request.attribute("id").unwrap_or_default();
        // Err: digits are always a field value.
        let _ = response.headers_mut().set("x-request-id", id);
    }
}

/// The time from here to the head of the answer.
struct Timing;

struct Began(Instant);

impl Middleware for Timing {
    fn on_request(&self, exchange: Exchange) -> Step {
        exchange.request().set_extension(Began(Instant::now()));
        Step::Next(exchange)
    }

    fn on_head(&self, request: &Request, response: &mut Response) {
        if let Some(began) = request.extension::<Began>() {
            let ms = began.0.elapsed().as_secs_f64() * 1000.0;
            // Err: as above.
            let _ = response.headers_mut().set("server-timing", format!("app;dur={ms:.3}"));
        }
    }
}

/// One line for each exchange, when it has ended.
struct Log;

impl Middleware for Log {
    fn on_end(&self, record: &AccessRecord<'_>) {
        let request = record.request;
        println!("{} {} {} {}", request.method_str(), request.path(), record.status, record.body_bytes);
    }
}

/// Only those who know the key.
struct Key(&'static str);

impl Middleware for Key {
    fn on_request(&self, exchange: Exchange) -> Step {
        let sent = exchange.request().header("authorization").and_then(|field| field.strip_prefix("Bearer "));
        if sent == Some(self.0) {
            return Step::Next(exchange);
        }
        let refusal = (401, "who are you?\n").into_response();
        exchange.respond(refusal.with_header("www-authenticate", "Bearer realm=\"api\""));
        Step::Done
    }
}

/// At most so many requests; a real limit counts for each client, and in time.
struct Limit(AtomicI32);

impl Middleware for Limit {
    fn on_request(&self, exchange: Exchange) -> Step {
        if self.0.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Step::Next(exchange);
        }
        self.0.store(0, Ordering::Relaxed);
        exchange.respond((429, "enough for now\n").into_response().with_header("retry-after", "60"));
        Step::Done
    }
}

fn get_hello(request: &Request) -> String {
    format!("hello, request {}\n", request.attribute("id").unwrap_or_default())
}

fn main() -> Result<(), flare::Error> {
    let mut api = Router::new();
    api.layer(Key("open-sesame")).layer(Limit(AtomicI32::new(3)));
    api.get("/hello", get_hello)?;
    let mut router = Router::new();
    // The first is outermost: it sees the request first and the answer last.
    router.layer(Log).layer(Number::default()).layer(Timing);
    router.get("/hello", get_hello)?;
    router.mount("/api", api)?;
    flare_examples::run(router)
}
