//! h3lg HOST PORT PATH CONNECTIONS STREAMS TOTAL [LENGTH [hold]]: HTTP/3 load generator, closed loop, one thread.
//! Keeps STREAMS requests open on every connection until TOTAL have been answered. Every answer must be a 200 with a body
//! of LENGTH bytes (by default: as long as the first one): of "Hello, World!" where that is 13, of x otherwise. Exits 0 only if all of them were.
//! With `hold` it then says "ready" and keeps the connections, idle, until its input ends.
use mio::{net::UdpSocket, Events, Interest, Poll, Token};
use nix::sys::socket::{
    getsockopt, setsockopt,
    sockopt::{RcvBuf, RcvBufForce},
};
use quiche::h3::{self, Event, Header, NameValue};
use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

const STALL: Duration = Duration::from_secs(10);

type Res<T> = Result<T, Box<dyn std::error::Error>>;

/// What is left to do, shared by all connections.
struct Work {
    request: Vec<Header>,
    streams: usize,
    unsent: u64,
    done: u64,
    length: Option<u64>,
    buf: Vec<u8>,
}

struct Conn {
    sock: UdpSocket,
    local: SocketAddr,
    peer: SocketAddr,
    quic: quiche::Connection,
    h3: Option<h3::Connection>,
    open: HashMap<u64, (bool, u64)>, // stream -> (status is 200, body bytes so far)
}

impl Conn {
    fn new(peer: SocketAddr, id: u128) -> Res<Conn> {
        let sock = UdpSocket::bind(if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }.parse()?)?;
        sock.connect(peer)?;
        let size = 4 << 20;
        if setsockopt(&sock, RcvBufForce, &size).is_err() {
            setsockopt(&sock, RcvBuf, &size)?;
        }
        // what the server may have in flight always fits into the receive buffer: no losses
        let window = (getsockopt(&sock, RcvBuf)? as u64 / 4).min(1 << 20);
        let mut c = quiche::Config::new(quiche::PROTOCOL_VERSION)?;
        c.verify_peer(false);
        c.set_application_protos(h3::APPLICATION_PROTOCOL)?;
        c.set_max_idle_timeout(30_000);
        c.set_max_recv_udp_payload_size(65527);
        c.set_initial_max_data(window);
        c.set_max_connection_window(window);
        c.set_initial_max_stream_data_bidi_local(window);
        c.set_max_stream_window(window);
        c.set_initial_max_stream_data_uni(65536);
        c.set_initial_max_streams_uni(16);
        let local = sock.local_addr()?;
        let scid = id.to_be_bytes();
        let quic =
            quiche::connect(Some("localhost"), &quiche::ConnectionId::from_ref(&scid), local, peer, &mut c)?;
        Ok(Conn { sock, local, peer, quic, h3: None, open: HashMap::new() })
    }

    /// Reads all there is, collects the answers, sends as many new requests.
    fn step(&mut self, w: &mut Work) -> Res<()> {
        let info = quiche::RecvInfo { from: self.peer, to: self.local };
        while let Ok(n) = self.sock.recv(&mut w.buf) {
            match self.quic.recv(&mut w.buf[..n], info) {
                Ok(_) | Err(quiche::Error::Done) => {}
                Err(e) => return Err(format!("packet: {e:?}").into()),
            }
        }
        self.quic.on_timeout();
        if self.h3.is_none() && self.quic.is_established() {
            self.h3 = Some(h3::Connection::with_transport(&mut self.quic, &h3::Config::new()?)?);
        }
        self.answers(w)?;
        self.requests(w)?;
        self.flush(w)?;
        if self.quic.is_closed() {
            return Err(format!("connection closed: {:?}", self.quic.peer_error()).into());
        }
        Ok(())
    }

    fn answers(&mut self, w: &mut Work) -> Res<()> {
        let Some(h3) = &mut self.h3 else { return Ok(()) };
        loop {
            let (id, event) = match h3.poll(&mut self.quic) {
                Ok(x) => x,
                Err(h3::Error::Done) => return Ok(()),
                Err(e) => return Err(e.into()),
            };
            match event {
                Event::Headers { list, .. } => {
                    if let Some(a) = self.open.get_mut(&id) {
                        a.0 |= list.iter().any(|h| h.name() == b":status" && h.value() == b"200");
                    }
                }
                Event::Data => {
                    while let Ok(n) = h3.recv_body(&mut self.quic, id, &mut w.buf) {
                        let from = &mut self.open.get_mut(&id).ok_or("data on an unknown stream")?.1;
                        if !is_expected(&w.buf[..n], *from, w.length) {
                            return Err("the content is another".into());
                        }
                        *from += n as u64;
                    }
                }
                Event::Finished => {
                    let (ok, n) = self.open.remove(&id).ok_or("end of an unknown stream")?;
                    if !ok || n != *w.length.get_or_insert(n) {
                        return Err(format!("bad answer: status is 200: {ok}, {n} bytes").into());
                    }
                    w.done += 1;
                }
                Event::Reset(e) => return Err(format!("stream reset: {e}").into()),
                Event::GoAway => return Err("the server goes away".into()),
                Event::PriorityUpdate => {}
            }
        }
    }

    fn requests(&mut self, w: &mut Work) -> Res<()> {
        let Some(h3) = &mut self.h3 else { return Ok(()) };
        while w.unsent > 0 && self.open.len() < w.streams {
            match h3.send_request(&mut self.quic, &w.request, true) {
                Ok(id) => self.open.insert(id, (false, 0)),
                Err(h3::Error::StreamBlocked | h3::Error::TransportError(quiche::Error::StreamLimit)) => {
                    break
                }
                Err(e) => return Err(e.into()),
            };
            w.unsent -= 1;
        }
        Ok(())
    }

    fn flush(&mut self, w: &mut Work) -> Res<()> {
        loop {
            match self.quic.send(&mut w.buf) {
                Ok((n, _)) => drop(self.sock.send(&w.buf[..n])), // a full buffer is a lost packet
                Err(quiche::Error::Done) => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// Whether the content of an answer, from this byte on, is what it has to be.
fn is_expected(data: &[u8], from: u64, length: Option<u64>) -> bool {
    const HELLO: &[u8] = b"Hello, World!";
    match length {
        Some(13) => HELLO.get(from as usize..).is_some_and(|rest| rest.starts_with(data)),
        _ => data.iter().all(|byte| *byte == b'x'),
    }
}

fn run() -> Res<()> {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, path, connections, streams, total, length @ ..] = &a[..] else {
        return Err("usage: h3lg HOST PORT PATH CONNECTIONS STREAMS TOTAL [LENGTH [hold]]".into());
    };
    let peer = (host.as_str(), port.parse()?).to_socket_addrs()?.next().ok_or("no address")?;
    let request = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", &format!("{host}:{port}")),
        (":path", path),
    ];
    let total: u64 = total.parse()?;
    let mut w = Work {
        request: request.map(|(k, v)| Header::new(k.as_bytes(), v.as_bytes())).to_vec(),
        streams: streams.parse()?,
        unsent: total,
        done: 0,
        length: length.first().map(|x| x.parse()).transpose()?,
        buf: vec![0; 65536],
    };
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(256));
    let mut conns = Vec::new();
    for i in 0..connections.parse()? {
        let mut c = Conn::new(peer, (std::process::id() as u128) << 64 | i as u128)?;
        poll.registry().register(&mut c.sock, Token(i), Interest::READABLE)?;
        conns.push(c);
    }
    let (mut seen, mut last) = (0, Instant::now());
    loop {
        for c in &mut conns {
            c.step(&mut w)?;
        }
        if w.done == total {
            break;
        }
        if w.done > seen {
            (seen, last) = (w.done, Instant::now());
        } else if last.elapsed() > STALL {
            return Err(format!("stalled: {} of {total} answered", w.done).into());
        }
        let timeout = conns.iter().filter_map(|c| c.quic.timeout()).min().unwrap_or(STALL).min(STALL);
        poll.poll(&mut events, Some(timeout))?;
    }
    if length.get(1).is_some_and(|word| word == "hold") {
        println!("ready");
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    }
    for c in &mut conns {
        c.quic.close(true, 0x100, b"")?; // H3_NO_ERROR
        c.flush(&mut w)?;
    }
    println!("{} answered", w.done);
    Ok(())
}

fn main() {
    if let Err(e) = run() {
        eprintln!("h3lg: {e}");
        std::process::exit(1);
    }
}
