//! Calls on exchanges that become streams of datagrams, and what their client sends and gets. They are capsules on a byte stream here, so that
//! none may be lost, as long as nobody cuts the stream.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use flare_capi::*;
use flare_proto::capsule::{self, Found};

use super::Run;
use super::calls::expect;
use super::exchange::{State, response};
use super::host;
use super::pool::{Kind, Verdict, pointer};
use super::text::Text;

/// The longest datagram of a stream of capsules.
pub(super) const MOST: usize = 65_536;

/// What calls return when the exchange is over.
const IS_OVER: &[i32] =
    &[FLARE_ERROR_FINISHED, FLARE_ERROR_CLOSED, FLARE_ERROR_TIMEOUT, FLARE_ERROR_CANCELLED];

/// What the client sends.
const SENT: [&[u8]; 3] = [b"one", b"", &[b'd'; 300]];

/// What the model knows of an exchange that has datagrams.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    /// What the server has sent.
    sent: Vec<Vec<u8>>,
    /// How many of what the client sent were read, or passed over.
    came: usize,
    /// The server has ended it.
    pub(super) is_finished: bool,
}

/// Whether an exchange has datagrams.
fn has_datagrams(run: &mut Run, verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Good(index) if run.pool.exchange(*index).datagrams.is_some())
}

/// Bytes of the program, or more than fit, and whether their pointer is NULL.
pub(super) fn datagram(run: &mut Run) -> (Vec<u8>, bool) {
    let data = run.bytes();
    match run.byte() {
        0 => (data, false),
        1 => (vec![b'l'; MOST + 1], false),
        _ => (data, true),
    }
}

pub(super) fn switch(run: &mut Run) {
    let (handle, verdict, otherwise) = response(run);
    let protocol = Text::read(run, &["connect-udp", "OTHER", "no such", "connect-udp, other"]);
    // SAFETY: the text lives until the call returns.
    let code = unsafe { flare_response_switch_to_datagrams(pointer(handle), protocol.pointer()) };
    let Verdict::Good(index) = verdict else {
        return expect(code, &verdict, protocol.as_str().is_some(), &[]);
    };
    let exchange = run.pool.exchange(index);
    let offers = exchange.request.headers.iter().any(|field| field.0 == "upgrade");
    let is_offered = offers
        && protocol
            .as_str()
            .is_some_and(|name| ["connect-udp", "other"].contains(&&*name.to_ascii_lowercase()));
    if is_offered {
        let is_odd: &[i32] = if exchange.is_odd { &[FLARE_ERROR_INVALID_ARGUMENT] } else { &[] };
        expect(code, &verdict, true, &[otherwise, is_odd].concat());
    } else {
        assert_eq!(code, FLARE_ERROR_INVALID_ARGUMENT);
    }
    if code == FLARE_OK {
        exchange.is_touched = true;
        exchange.datagrams = Some(Datagrams::default());
        host::switched(run, index);
    }
}

pub(super) fn send(run: &mut Run) {
    let (handle, verdict, _) = response(run);
    let (data, is_null) = datagram(run);
    let content = if is_null { std::ptr::null() } else { data.as_ptr().cast() };
    // SAFETY: the data is that long, or NULL.
    let code = unsafe { flare_response_send_datagram(pointer(handle), content, data.len()) };
    let others: &[i32] = match has_datagrams(run, &verdict) {
        true if data.len() > MOST => &[FLARE_ERROR_LIMIT],
        true => &[FLARE_OK, FLARE_ERROR_WOULD_BLOCK],
        false => &[FLARE_ERROR_INVALID_ARGUMENT],
    };
    expect(code, &verdict, !is_null || data.is_empty(), &[others, IS_OVER].concat());
    if let (Verdict::Good(index), FLARE_OK) = (verdict, code)
        && let Some(datagrams) = &mut run.pool.exchange(index).datagrams
    {
        assert!(!datagrams.is_finished, "sent behind the end");
        datagrams.sent.push(data);
    }
}

pub(super) fn max_size(run: &mut Run) {
    let (handle, verdict, _) = response(run);
    let code = flare_response_max_datagram_size(pointer(handle));
    let expected: &[i32] = match verdict {
        Verdict::Good(index) if has_datagrams(run, &verdict) => {
            let exchange = run.pool.exchange(index);
            let may_be_over = exchange.is_odd
                || exchange.is_cut
                || exchange.datagrams.as_ref().is_some_and(|it| it.is_finished);
            if may_be_over { &[0, MOST as i32] } else { &[MOST as i32] }
        }
        _ => &[0],
    };
    expect(code, &verdict, true, expected);
}

pub(super) fn read(run: &mut Run) {
    let handle = run.handle(Kind::Request);
    let verdict = run.pool.verdict(handle, Kind::Request);
    let mut buffer = vec![0_u8; usize::from(run.byte())];
    let mut length = usize::MAX;
    let options = run.byte();
    let to: *mut u8 = if options & 1 == 1 { std::ptr::null_mut() } else { buffer.as_mut_ptr() };
    let length_to: *mut usize = if options & 2 == 2 { std::ptr::null_mut() } else { &mut length };
    // SAFETY: the buffer is that long, or NULL; the length may be written, or is NULL.
    let code = unsafe { flare_request_read_datagram(pointer(handle), to.cast(), buffer.len(), length_to) };
    let others: &[i32] = match has_datagrams(run, &verdict) {
        true => &[FLARE_OK, FLARE_ERROR_WOULD_BLOCK],
        false => &[FLARE_ERROR_INVALID_ARGUMENT],
    };
    let good = (options & 1 == 0 || buffer.is_empty()) && options & 2 == 0;
    expect(code, &verdict, good, &[others, IS_OVER].concat());
    let (Verdict::Good(index), FLARE_OK) = (verdict, code) else {
        assert_eq!(length, usize::MAX, "a length without a datagram");
        return;
    };
    let datagrams = run.pool.exchange(index).datagrams.as_mut().expect("only those are read");
    // A callback may have taken some before.
    let next = SENT[datagrams.came..].iter().position(|sent| sent.len() == length);
    let next = datagrams.came + next.expect("one that was sent, in order");
    let (got, rest) = buffer.split_at(length.min(buffer.len()));
    assert!(SENT[next].starts_with(got) && rest.iter().all(|byte| *byte == 0));
    datagrams.came = next + 1;
}

/// Checks a datagram that a callback got.
pub(super) fn check_came(datagram: &[u8]) {
    assert!(SENT.contains(&datagram), "{}", datagram.escape_ascii());
}

/// The server has accepted: the client sends its datagrams, and a capsule of another kind between them.
pub(super) fn client_sends(stream: &mut UnixStream) {
    let mut bytes = Vec::new();
    for datagram in SENT {
        capsule::write_datagram(&mut bytes, datagram);
        bytes.extend_from_slice(b"\x17\x02xx");
    }
    // Err: the program has cut it already.
    let _ = stream.write_all(&bytes);
}

/// The program has let go of all handles: everything that was sent comes, in order, and the end.
pub(super) fn client_gets(mut stream: UnixStream, model: &Datagrams, exchange: &State) {
    // Err: the server has closed it already.
    let _ = stream.shutdown(Shutdown::Write);
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    if exchange.is_odd {
        return;
    }
    // A server that closes before it has read everything cuts what it sent.
    assert!(read.is_ok() || exchange.is_cut || !model.is_finished, "{read:?}");
    let mut content = &bytes[..];
    let head = loop {
        let end = content.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
        let (head, rest) = content.split_at(end);
        content = rest;
        let is_interim = head.starts_with(b"HTTP/1.1 1") && !head.starts_with(b"HTTP/1.1 101 ");
        if !is_interim {
            break String::from_utf8_lossy(head).to_ascii_lowercase();
        }
    };
    let is_switch = head.starts_with("http/1.1 101 ") && head.contains("\r\ncapsule-protocol: ?1\r\n");
    let may_be_cut = exchange.is_cut || !model.is_finished;
    assert!(is_switch || (head.is_empty() && may_be_cut), "{head:?}");
    let (mut capsules, mut got) = (capsule::Datagrams::new(MOST), 0);
    while let Some(found) = capsules.next(&mut content) {
        let Found::Datagram(datagram) = found else { panic!("{found:?}") };
        assert_eq!(model.sent.get(got).map(Vec::as_slice), Some(datagram));
        got += 1;
    }
    if !may_be_cut {
        assert!(got == model.sent.len() && capsules.is_between(), "{got} of {}", model.sent.len());
    }
}
