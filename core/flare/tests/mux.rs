//! The mux over real sockets: many streams, backpressure, and every way to end.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use flare::mux::{Ended, Mux, MuxError, MuxListener, MuxOptions, MuxStream, ProtocolError};
use flare_proto::mux::{FrameHeader, FrameKind, HEADER_LENGTH, INITIAL_CREDIT};

/// How long a test waits before it fails.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

/// Two ends of a connection.
fn pair() -> (Mux, Mux) {
    pair_with(&MuxOptions::default())
}

fn pair_with(options: &MuxOptions) -> (Mux, Mux) {
    let listener = MuxListener::bind_with("127.0.0.1:0", options).unwrap();
    let connecting = Mux::connect_with(&listener.address().to_string(), options).unwrap();
    (connecting, listener.accept(PATIENCE).unwrap())
}

/// Two ends of a stream.
fn streams(one: &Mux, other: &Mux) -> (MuxStream, MuxStream) {
    (one.open().unwrap(), other.accept(PATIENCE).unwrap())
}

fn read_all(stream: &MuxStream) -> Result<Vec<u8>, MuxError> {
    let mut all = Vec::new();
    while let Some(bytes) = stream.recv(PATIENCE)? {
        all.extend(bytes);
    }
    Ok(all)
}

/// A peer that is not ours: a plain socket.
fn plain_peer() -> (Mux, TcpStream) {
    let listener = MuxListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.address().to_string()).unwrap();
    peer.set_read_timeout(PATIENCE).unwrap();
    (listener.accept(PATIENCE).unwrap(), peer)
}

fn send_frame(peer: &mut TcpStream, kind: FrameKind, id: u64, payload: &[u8]) {
    let mut bytes = Vec::new();
    FrameHeader { length: payload.len() as u32, id, kind: kind as u8 }.encode(&mut bytes);
    bytes.extend_from_slice(payload);
    peer.write_all(&bytes).unwrap();
}

fn read_frame(peer: &mut TcpStream) -> (FrameHeader, Vec<u8>) {
    let mut head = [0; HEADER_LENGTH];
    peer.read_exact(&mut head).unwrap();
    let head = FrameHeader::decode(head);
    let mut payload = vec![0; head.length as usize];
    peer.read_exact(&mut payload).unwrap();
    (head, payload)
}

#[test]
fn a_thousand_streams_at_once() {
    let (one, other) = pair();
    let server = thread::spawn(move || {
        let streams: Vec<_> = (0..1_000).map(|_| other.accept(PATIENCE).unwrap()).collect();
        for stream in &streams {
            let bytes = read_all(stream).unwrap();
            stream.send(&bytes.to_ascii_uppercase(), PATIENCE).unwrap();
            stream.finish().unwrap();
        }
    });
    let streams: Vec<_> = (0..1_000).map(|_| one.open().unwrap()).collect();
    assert!(matches!(one.open(), Ok(_) | Err(MuxError::TooManyStreams)));
    for (number, stream) in streams.iter().enumerate() {
        stream.send(format!("stream {number}").as_bytes(), PATIENCE).unwrap();
        stream.finish().unwrap();
    }
    for (number, stream) in streams.iter().enumerate() {
        assert_eq!(read_all(stream).unwrap(), format!("STREAM {number}").as_bytes());
    }
    server.join().unwrap();
}

#[test]
fn much_goes_both_ways_in_order() {
    let (one, other) = pair();
    let (near, far) = streams(&one, &other);
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let echo = thread::spawn(move || {
        while let Some(bytes) = far.recv(PATIENCE).unwrap() {
            far.send(&bytes, PATIENCE).unwrap();
        }
        far.finish().unwrap();
    });
    thread::scope(|scope| {
        let reader = scope.spawn(|| read_all(&near).unwrap());
        for chunk in bytes.chunks(100_001) {
            near.send(chunk, PATIENCE).unwrap();
        }
        near.finish().unwrap();
        assert!(reader.join().unwrap() == bytes);
    });
    echo.join().unwrap();
    assert!(matches!(near.finish(), Err(MuxError::Finished)));
    assert!(matches!(near.try_send(b"x"), Err(MuxError::Finished)));
    assert_eq!(near.recv(PATIENCE).unwrap(), None);
}

#[test]
fn a_slow_stream_stops_itself_and_no_other() {
    let (one, other) = pair();
    let (slow, unread) = streams(&one, &other);
    let chunk = [7; 32 * 1024];
    let mut sent = 0;
    let full = loop {
        match slow.try_send(&chunk) {
            Ok(()) => sent += chunk.len(),
            Err(error) => break error,
        }
        assert!(sent < 10_000_000, "nothing stops it");
    };
    assert!(matches!(full, MuxError::WouldBlock));
    // The thread of the connection may still have sent what the credit allows.
    let full = loop {
        match slow.send(&chunk, Some(Duration::from_millis(50))) {
            Ok(()) => sent += chunk.len(),
            Err(error) => break error,
        }
        assert!(sent < 10_000_000, "nothing stops it");
    };
    assert!(matches!(full, MuxError::Timeout));
    for _ in 0..3 {
        let (near, far) = streams(&one, &other);
        let reader = thread::spawn(move || read_all(&far).unwrap().len());
        for _ in 0..64 {
            near.send(&chunk, PATIENCE).unwrap();
        }
        near.finish().unwrap();
        assert_eq!(reader.join().unwrap(), 64 * chunk.len());
    }
    // Once it is read, it goes on; a thread that waits to send is woken.
    let writer = thread::spawn(move || {
        slow.send(&chunk, PATIENCE).unwrap();
        slow.finish().unwrap();
        slow
    });
    assert_eq!(read_all(&unread).unwrap().len(), sent + chunk.len());
    writer.join().unwrap();
}

#[test]
fn errors_and_cancels_reach_the_peer_behind_what_came_before() {
    let (one, other) = pair();
    let (near, far) = streams(&one, &other);
    near.send(b"before", PATIENCE).unwrap();
    assert_eq!(far.recv(PATIENCE).unwrap().unwrap(), b"before");
    near.error("it broke").unwrap();
    match far.recv(PATIENCE) {
        Err(MuxError::Remote(text)) => assert_eq!(text, "it broke"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(far.try_send(b"x"), Err(MuxError::Remote(_))));
    assert!(matches!(near.recv(PATIENCE), Err(MuxError::Cancelled)));
    assert!(matches!(near.cancel(), Err(MuxError::Cancelled)));

    let (near, far) = streams(&one, &other);
    // A thread that waits is woken by a cancel on another.
    let waiting = near.clone();
    let reader = thread::spawn(move || waiting.recv(PATIENCE));
    near.cancel().unwrap();
    assert!(matches!(reader.join().unwrap(), Err(MuxError::Cancelled)));
    assert!(matches!(far.recv(PATIENCE), Err(MuxError::Cancelled)));
    assert!(matches!(far.finish(), Err(MuxError::Cancelled)));
}

#[test]
fn a_drop_cancels_but_what_was_finished_arrives() {
    let (one, other) = pair();
    let (near, far) = streams(&one, &other);
    drop(near);
    assert!(matches!(far.recv(PATIENCE), Err(MuxError::Cancelled)));
    // It would keep the connection.
    drop(far);

    let (near, far) = streams(&one, &other);
    let bytes = vec![5; 250_000];
    far.send(&bytes, PATIENCE).unwrap();
    far.finish().unwrap();
    drop(far);
    assert!(read_all(&near).unwrap() == bytes);
    // And the end that was dropped wants no answer.
    let deadline = Instant::now() + PATIENCE.unwrap();
    while near.try_send(b"x").is_ok() {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }

    // The same when all handles of the connection are gone at once.
    let (near, far) = streams(&one, &other);
    far.send(&bytes, PATIENCE).unwrap();
    far.finish().unwrap();
    drop((far, other));
    assert!(read_all(&near).unwrap() == bytes);
    assert!(matches!(one.accept(PATIENCE), Err(MuxError::Ended(Ended::PeerClosed))));
}

#[test]
fn everything_ends_with_the_peer() {
    let (mux, mut peer) = plain_peer();
    let near = mux.open().unwrap();
    assert_eq!(read_frame(&mut peer).0, FrameHeader { length: 0, id: 2, kind: 0 });
    send_frame(&mut peer, FrameKind::Chunk, 2, b"last words");
    let waiting = mux.clone();
    let acceptor = thread::spawn(move || waiting.accept(PATIENCE).map(drop));
    drop(peer);
    assert_eq!(near.recv(PATIENCE).unwrap().unwrap(), b"last words");
    assert!(matches!(near.recv(PATIENCE), Err(MuxError::Ended(Ended::PeerClosed))));
    assert!(matches!(near.try_send(b"x"), Err(MuxError::Ended(Ended::PeerClosed))));
    assert!(matches!(acceptor.join().unwrap(), Err(MuxError::Ended(Ended::PeerClosed))));
    assert!(matches!(mux.open(), Err(MuxError::Ended(Ended::PeerClosed))));
    assert_eq!(mux.ended(), Some(Ended::PeerClosed));
}

#[test]
fn a_peer_that_breaks_the_protocol_is_cut_with_the_reason() {
    let (mux, mut peer) = plain_peer();
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    match mux.accept(PATIENCE) {
        Err(MuxError::Ended(Ended::Protocol(ProtocolError::UnknownKind(kind)))) => assert_eq!(kind, b'.'),
        other => panic!("{other:?}"),
    }
    // A reset is the same: it was cut with bytes unread.
    assert!(matches!(peer.read(&mut [0; 16]), Ok(0) | Err(_)));
}

#[test]
fn a_peer_that_knows_no_credit_works_up_to_the_first() {
    let (mux, mut peer) = plain_peer();
    // Such peers count 1, 2, 3.
    for id in 1..=2 {
        send_frame(&mut peer, FrameKind::Open, id, b"");
        send_frame(&mut peer, FrameKind::Chunk, id, b"ask");
        send_frame(&mut peer, FrameKind::Done, id, b"");
        let stream = mux.accept(PATIENCE).unwrap();
        assert_eq!(read_all(&stream).unwrap(), b"ask");
        stream.send(&vec![b'x'; INITIAL_CREDIT as usize], PATIENCE).unwrap();
        stream.finish().unwrap();
        let mut got = 0;
        loop {
            let (head, payload) = read_frame(&mut peer);
            assert_eq!(head.id, id);
            got += payload.len();
            if head.kind == FrameKind::Done as u8 {
                break;
            }
            assert_eq!(head.kind, FrameKind::Chunk as u8);
        }
        assert_eq!(got, INITIAL_CREDIT as usize);
    }
}

#[test]
fn streams_have_a_limit_at_both_ends() {
    let few = MuxOptions { max_streams: 2, ..MuxOptions::default() };
    let listener = MuxListener::bind_with("127.0.0.1:0", &few).unwrap();
    let one = Mux::connect(&listener.address().to_string()).unwrap();
    let other = listener.accept(PATIENCE).unwrap();
    let (_first, _at_other) = streams(&one, &other);
    let (second, at_other) = streams(&one, &other);
    let third = one.open().unwrap();
    match third.recv(PATIENCE) {
        Err(MuxError::Remote(text)) => assert_eq!(text, "too many streams"),
        other => panic!("{other:?}"),
    }
    let held = [other.open().unwrap(), other.open().unwrap()];
    assert!(matches!(other.open(), Err(MuxError::TooManyStreams)));
    drop(held);
    second.cancel().unwrap();
    assert!(matches!(at_other.recv(PATIENCE), Err(MuxError::Cancelled)));
    let (again, at_other) = streams(&one, &other);
    again.send(b"room", PATIENCE).unwrap();
    assert_eq!(at_other.recv(PATIENCE).unwrap().unwrap(), b"room");
}

#[test]
fn streams_that_nobody_took_are_cancelled_by_close() {
    let (one, other) = pair();
    let (kept, at_other) = streams(&one, &other);
    let unwanted = one.open().unwrap();
    other.close();
    // Whether it came before the close or after.
    assert!(matches!(unwanted.recv(PATIENCE), Err(MuxError::Cancelled)));
    assert!(matches!(other.accept(PATIENCE), Err(MuxError::Ended(Ended::Closed))));
    assert!(matches!(other.open(), Err(MuxError::Ended(Ended::Closed))));
    let refused = one.open().unwrap();
    assert!(matches!(refused.recv(PATIENCE), Err(MuxError::Cancelled)));
    // What is there goes on.
    kept.send(b"still", PATIENCE).unwrap();
    assert_eq!(at_other.recv(PATIENCE).unwrap().unwrap(), b"still");
}

#[test]
fn connecting_fails_with_the_reason_and_in_time() {
    assert!(matches!(Mux::connect("nonsense"), Err(MuxError::Address(_))));
    let folder = std::env::temp_dir().join(format!("flare-mux-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("socket");
    let address = format!("unix:{}", path.display());
    match Mux::connect(&address) {
        Err(MuxError::Io(error)) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        other => panic!("{other:?}"),
    }
    // Nobody accepts, so the queue of the listener fills up.
    let listening = flare_net::ListenOptions { backlog: 1, ..flare_net::ListenOptions::default() };
    let listener = flare_net::Listener::bind(&flare_net::Address::Unix(Some(path)), &listening).unwrap();
    let short = MuxOptions { connect_timeout: Duration::from_millis(50), ..MuxOptions::default() };
    let mut waiting = Vec::new();
    let error = loop {
        match Mux::connect_with(&address, &short) {
            Ok(mux) => waiting.push(mux),
            Err(error) => break error,
        }
        assert!(waiting.len() < 100);
    };
    assert!(matches!(error, MuxError::Timeout), "{error:?}");
    drop(listener);
    let listener = MuxListener::bind(&address).unwrap();
    let mux = Mux::connect(&address).unwrap();
    let (near, far) = streams(&mux, &listener.accept(PATIENCE).unwrap());
    near.send(b"over a file", PATIENCE).unwrap();
    assert_eq!(far.recv(PATIENCE).unwrap().unwrap(), b"over a file");
    listener.close();
    assert!(matches!(listener.accept(PATIENCE), Err(MuxError::Ended(Ended::Closed))));
    drop(listener);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn connections_of_a_listener_have_a_limit() {
    let one_only = MuxOptions { max_connections: 1, ..MuxOptions::default() };
    let listener = MuxListener::bind_with("127.0.0.1:0", &one_only).unwrap();
    let address = listener.address().to_string();
    let first = Mux::connect(&address).unwrap();
    let second = Mux::connect(&address).unwrap();
    let at_first = listener.accept(PATIENCE).unwrap();
    assert!(matches!(listener.accept(Some(Duration::from_millis(50))), Err(MuxError::Timeout)));
    drop((first, at_first));
    let at_second = listener.accept(PATIENCE).unwrap();
    let (near, far) = streams(&second, &at_second);
    near.send(b"my turn", PATIENCE).unwrap();
    assert_eq!(far.recv(PATIENCE).unwrap().unwrap(), b"my turn");
}

#[test]
fn a_peer_that_never_closes_is_left_after_a_while() {
    const LINGER: Duration = Duration::from_millis(100);
    let listener =
        MuxListener::bind_with("127.0.0.1:0", &MuxOptions { linger: LINGER, ..MuxOptions::default() })
            .unwrap();
    let mut peer = TcpStream::connect(listener.address().to_string()).unwrap();
    peer.set_read_timeout(PATIENCE).unwrap();
    let mux = listener.accept(PATIENCE).unwrap();
    let began = Instant::now();
    drop(mux);
    assert_eq!(peer.read(&mut [0; 16]).unwrap(), 0, "the other end says that it is done");
    // Frames of no stream are read and skipped, until the socket is closed.
    let mut bytes = Vec::new();
    FrameHeader { length: 4, id: 99, kind: FrameKind::Credit as u8 }.encode(&mut bytes);
    bytes.extend_from_slice(&[0, 0, 0, 1]);
    while peer.write_all(&bytes).is_ok() {
        assert!(began.elapsed() < PATIENCE.unwrap(), "it waits for ever");
        thread::yield_now();
    }
    assert!(began.elapsed() + Duration::from_millis(2) >= LINGER, "{:?}", began.elapsed());
}

/// A loop that never waits: it is told, and asks again.
#[test]
fn loops_are_told_instead_of_waiting() {
    let (tell, told) = std::sync::mpsc::channel();
    let news = || {
        let tell = tell.clone();
        move || tell.send(()).unwrap_or_default()
    };
    fn until<T>(
        told: &std::sync::mpsc::Receiver<()>,
        mut ask: impl FnMut() -> Result<T, MuxError>,
    ) -> Result<T, MuxError> {
        loop {
            match ask() {
                Err(MuxError::Timeout | MuxError::WouldBlock) => {
                    told.recv_timeout(PATIENCE.unwrap()).unwrap()
                }
                other => return other,
            }
        }
    }
    let now = Some(Duration::ZERO);
    let listener = MuxListener::bind("127.0.0.1:0").unwrap();
    assert!(listener.on_change(news()));
    let near = Mux::connect(&listener.address().to_string()).unwrap();
    let far = until(&told, || listener.accept(now)).unwrap();
    assert!(far.on_change(news()));
    assert!(matches!(far.accept(now), Err(MuxError::Timeout)));
    let asking = near.open().unwrap();
    assert!(asking.on_change(news()));
    assert!(!asking.on_change(|| ()));
    let answering = until(&told, || far.accept(now)).unwrap();
    assert!(answering.on_change(news()));
    assert!(matches!(answering.recv(now), Err(MuxError::Timeout)));
    // More than may wait: whoever sends is told when the reader has taken some.
    let piece = vec![7; 200 * 1024];
    let mut sent = 0;
    while asking.try_send(&piece).is_ok() {
        sent += piece.len();
    }
    let mut received = 0;
    while received < sent {
        received += until(&told, || answering.recv(now)).unwrap().unwrap().len();
    }
    until(&told, || asking.try_send(b"more")).unwrap();
    asking.finish().unwrap();
    let mut rest = Vec::new();
    while let Some(bytes) = until(&told, || answering.recv(now)).unwrap() {
        rest.extend(bytes);
    }
    assert_eq!((received, rest), (sent, b"more".to_vec()));
    drop((asking, near));
    assert!(matches!(until(&told, || far.accept(now)), Err(MuxError::Ended(Ended::PeerClosed))));
}

#[test]
fn a_name_is_connected_to_by_any_of_its_addresses() {
    // `localhost` is `::1` as well on most hosts, where nobody listens.
    let listener = MuxListener::bind("127.0.0.1:0").unwrap();
    let address = listener.address().to_string();
    let port = address.rsplit_once(':').unwrap().1;
    let mux = Mux::connect(&format!("localhost:{port}")).unwrap();
    let (near, far) = streams(&mux, &listener.accept(PATIENCE).unwrap());
    near.send(b"by name", PATIENCE).unwrap();
    assert_eq!(far.recv(PATIENCE).unwrap().unwrap(), b"by name");
    assert!(matches!(Mux::connect("a.invalid.:1"), Err(MuxError::Address(_) | MuxError::Timeout)));
}
