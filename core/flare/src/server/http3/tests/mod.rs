//! HTTP/3 from the client's streams to the handler and back, over QUIC without a socket. The rules of the protocol have their tests in
//! flare-proto, those of the transport in flare-quic.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

mod bad_network;
mod client;
mod content;
mod datagrams;
mod ends;
mod moody;
mod over_udp;
mod protocol;
mod served;
mod websocket;

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use client::Client;

use crate::log::Log;
use crate::message::{Request, Response};
use crate::router::Router;
use crate::server::ServerConfig;
use crate::server::environment::Service;
use crate::{Exchange, RouteOptions, later};

/// A router whose `/hold` gives its exchange to the test, on a streaming route, and whose `/wait` does on an ordinary one.
fn holding() -> (Service, Receiver<Exchange>) {
    holding_with(ServerConfig::default())
}

fn holding_with(config: ServerConfig) -> (Service, Receiver<Exchange>) {
    let (sender, receiver) = channel();
    let mut router = Router::new();
    for (path, options) in
        [("/hold", RouteOptions::default().streaming()), ("/wait", RouteOptions::default())]
    {
        let sender = Mutex::new(sender.clone());
        let hold = later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
        router.add_with("*", path, options, hold).unwrap();
    }
    router.get("/", |_: &Request| "home").unwrap();
    router.get("/host", |request: &Request| request.header("host").unwrap_or("none").to_owned()).unwrap();
    router.post("/echo", |request: &Request| Response::bytes(request.body().to_vec())).unwrap();
    router.get("/panic", |_: &Request| -> u16 { panic!("on purpose") }).unwrap();
    (serving(router, config), receiver)
}

fn serving(router: Router, config: ServerConfig) -> Service {
    Service::new(router, config, Log::default(), None, &[])
}

/// Bytes that tell where they are.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 251 + at) as u8).collect()
}
