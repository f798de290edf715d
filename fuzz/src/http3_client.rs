//! The client's end of an HTTP/3 connection with four requests (GET, POST, HEAD, and a tunnel): what it tells and sends does not depend on how the streams of
//! a server are split; streams and output are bounded; nothing is told out of order, or of a request that never was. The bytes of an input: see
//! `http3_streams`.
//!
//! The end reacts: with content and trailers to the answer to POST, and with bytes to a tunnel. Of an answer with 4xx it wants no more, and one with 5xx
//! it resets.

use flare_proto::http3::{Client, Connection, Limits, RequestParts};
use flare_proto::{ContentLength, Headers, ResponseHead};

use crate::http3_streams::{self, Fed, Out};

impl Fed for Client {
    /// The last two are a request that never was, and a stream that no server can open.
    const STREAMS: [u64; 12] = [0, 4, 8, 12, 3, 7, 11, 15, 19, 23, 16, 1];

    fn most_open(_: &Limits) -> usize {
        4
    }

    fn begin(end: &mut Connection<Self>, out: &mut Out) {
        let is_extended = end.peer_settings().extended_connect;
        let headers = fields(&[("x-a", "1"), ("user-agent", "fuzz")]);
        for (method, body, id) in [
            ("GET", ContentLength::None, 0),
            ("POST", ContentLength::Unknown, 4),
            ("HEAD", ContentLength::None, 8),
            ("CONNECT", ContentLength::Unknown, 12),
        ] {
            let parts = RequestParts {
                method,
                scheme: "https",
                authority: "a:1",
                target: "/",
                protocol: (is_extended && method == "CONNECT").then_some("websocket"),
                headers: &headers,
                body,
            };
            // The server may say in the first bytes that it takes none, but not that it ends.
            assert_eq!(end.send_request(&parts, out.entry(id).or_default()), Ok(id));
        }
    }

    fn react(end: &mut Connection<Self>, stream: u64, head: &ResponseHead, out: &mut Vec<u8>) {
        match head.status() / 100 {
            4 => return end.stop_receiving(stream),
            5 => return end.reset(stream),
            _ => {}
        }
        // The server may have stopped the request before.
        if end.has_sent_all(stream) {
            return;
        }
        end.send_data(stream, &[b'x'; 300], false, out).expect("a request with content");
        if stream == 4 {
            let trailers = fields(&[("x-sum", "1"), ("x-a", "1")]);
            end.send_end(stream, Some(&trailers), out).expect("no length was announced");
        }
    }
}

fn fields(all: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in all {
        headers.append(name, value).expect("a field");
    }
    headers
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    http3_streams::run::<Client>(data);
}
