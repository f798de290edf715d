//! HTTP/2 from the client's bytes to the handler and back, without a socket. The rules of the protocol have their tests in flare-proto; the
//! answers of every example are compared with those on HTTP/1.1 by `tests/examples`.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

mod client;
mod content;
mod datagrams;
mod ends;
mod protocol;
mod websocket;

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use flare::RouteOptions;
use flare::prelude::*;
use flare::testing::TestClient;

/// A router whose `/hold` gives its exchange to the test, on a streaming route, and whose `/wait` does on an ordinary one.
fn holding() -> (TestClient, Receiver<Exchange>) {
    holding_with(ServerConfig::default())
}

fn holding_with(config: ServerConfig) -> (TestClient, Receiver<Exchange>) {
    let (sender, receiver) = channel();
    let mut router = Router::new();
    for (path, options) in
        [("/hold", RouteOptions::default().streaming()), ("/wait", RouteOptions::default())]
    {
        let sender = Mutex::new(sender.clone());
        let hold = flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
        router.add_with("*", path, options, hold).unwrap();
    }
    router.get("/", |_: &Request| "home").unwrap();
    router.get("/host", |request: &Request| request.header("host").unwrap_or("none").to_owned()).unwrap();
    router.post("/echo", |request: &Request| Response::bytes(request.body().to_vec())).unwrap();
    router.get("/panic", |_: &Request| -> u16 { panic!("on purpose") }).unwrap();
    (TestClient::with_config(router, config), receiver)
}
