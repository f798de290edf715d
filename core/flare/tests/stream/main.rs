//! Content that flows, through the session without a socket.
#![allow(clippy::unwrap_used, reason = "a test wants to fail here")]

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod ends;
mod listening;
mod requests;
mod sources;
mod threads;

use std::sync::mpsc::Receiver;

use common::holding;
use flare::Exchange;
use flare::testing::{TestClient, TestConnection};

fn begin(client: &TestClient, held: &Receiver<Exchange>, head: &str) -> (TestConnection, Exchange) {
    let mut connection = client.connect();
    connection.send(head.as_bytes());
    (connection, held.try_recv().unwrap())
}

fn text(connection: &mut TestConnection) -> String {
    String::from_utf8(connection.received()).unwrap().replace("\r\n", "\n")
}

fn body(connection: &mut TestConnection) -> String {
    let text = text(connection);
    text.split_once("\n\n").map(|(_, body)| body.to_owned()).unwrap()
}

const GET: &str = "GET /hold HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n";
const POST: &str = "POST /hold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
