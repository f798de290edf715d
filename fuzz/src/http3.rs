//! The server's end of an HTTP/3 connection: what it tells and answers does not depend on how the streams of a client are split; streams and output are
//! bounded; nothing is told out of order. The bytes of an input: see `http3_streams`.
//!
//! The end reacts: it answers each request with 300 bytes, resets every fourth stream, and wants no more of every third.

use flare_proto::http3::{Connection, Limits, Server};
use flare_proto::{ContentLength, Headers, RequestHead, ResponseParts};

use crate::http3_streams::{self, Fed, Out};

impl Fed for Server {
    /// The last two are a stream that only servers could open, and the server's own.
    const STREAMS: [u64; 12] = [0, 4, 8, 12, 2, 6, 10, 14, 18, 22, 1, 3];

    fn most_open(limits: &Limits) -> usize {
        limits.streams as usize
    }

    fn begin(_: &mut Connection<Self>, _: &mut Out) {}

    fn react(end: &mut Connection<Self>, stream: u64, head: &RequestHead, out: &mut Vec<u8>) {
        if stream == 12 {
            return end.reset(stream);
        }
        // A field whose value is the client's, for the table.
        let mut headers = Headers::new();
        headers.append("x-path", head.path_bytes()).expect("what is in a path can be in a field");
        if stream == 8 {
            end.stop_receiving(stream);
            return end.send_informational(stream, 103, &headers, out).expect("no answer was sent");
        }
        let body = ContentLength::Known(300);
        let parts = ResponseParts { status: 200, headers: &headers, body, origin: None };
        if end.send_head(stream, &parts, out) == Ok(true) {
            end.send_data(stream, &[b'x'; 300], true, out).expect("as long as was said");
        }
    }
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    http3_streams::run::<Server>(data);
}
