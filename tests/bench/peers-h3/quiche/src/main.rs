//! peer_h3quiche PORT CERT KEY [gso]: quiche with its own HTTP/3, one thread, one datagram per receive call. Without `gso`
//! one per send call too, as in quiche's example server; with it, runs of equally long packets leave in one call.
use mio::{net::UdpSocket, Events, Interest, Poll, Token};
use nix::sys::socket::{sendmsg, setsockopt, sockopt::RcvBuf, ControlMessage, MsgFlags, SockaddrStorage};
use quiche::h3::{self, Event, Header, NameValue};
use quiche::ConnectionId;
use std::collections::HashMap;
use std::{io::IoSlice, net::SocketAddr, os::fd::AsRawFd};

const PACKET: usize = 1350;
const SEGMENTS: usize = 40; // most in one send call

static MEGABYTE: [u8; 1 << 20] = [b'x'; 1 << 20];

/// An answer that could not be sent at once.
struct Pending {
    headers: Option<Vec<Header>>,
    body: &'static [u8],
}

struct Client {
    quic: quiche::Connection,
    h3: Option<h3::Connection>,
    pending: HashMap<u64, Pending>,
}

impl Client {
    fn serve(&mut self) {
        if self.h3.is_none() && self.quic.is_established() {
            self.h3 = h3::Connection::with_transport(&mut self.quic, &h3::Config::new().unwrap()).ok();
        }
        let Some(h3) = &mut self.h3 else { return };
        if !self.pending.is_empty() {
            for id in self.quic.writable() {
                if let Some(p) = self.pending.get_mut(&id) {
                    if advance(&mut self.quic, h3, id, p) {
                        self.pending.remove(&id);
                    }
                }
            }
        }
        loop {
            match h3.poll(&mut self.quic) {
                Ok((id, Event::Headers { list, .. })) => {
                    let mut p = answer(&list);
                    if !advance(&mut self.quic, h3, id, &mut p) {
                        self.pending.insert(id, p);
                    }
                }
                Ok((id, Event::Reset(_))) => drop(self.pending.remove(&id)),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

fn answer(request: &[Header]) -> Pending {
    let path = request.iter().find(|h| h.name() == b":path").map_or(&b""[..], |h| h.value());
    let (status, body) = match path {
        b"/plaintext" => ("200", &b"Hello, World!"[..]),
        b"/64k" => ("200", &MEGABYTE[..65536]),
        b"/1m" => ("200", &MEGABYTE[..]),
        _ => ("404", &b""[..]),
    };
    let length = body.len().to_string();
    let headers = [
        (":status", status),
        ("server", "quiche"),
        ("content-type", "text/plain"),
        ("content-length", &length),
    ];
    Pending { headers: Some(headers.map(|(k, v)| Header::new(k.as_bytes(), v.as_bytes())).to_vec()), body }
}

/// Sends what flow control lets through; true when nothing is left to send.
fn advance(quic: &mut quiche::Connection, h3: &mut h3::Connection, id: u64, p: &mut Pending) -> bool {
    if let Some(headers) = &p.headers {
        match h3.send_response(quic, id, headers, p.body.is_empty()) {
            Ok(()) => p.headers = None,
            Err(h3::Error::StreamBlocked) => return false,
            Err(_) => return true,
        }
    }
    if p.body.is_empty() {
        return true;
    }
    match h3.send_body(quic, id, p.body, true) {
        Ok(n) => p.body = &p.body[n..],
        Err(h3::Error::Done) => {}
        Err(_) => return true,
    }
    p.body.is_empty()
}

/// Sends all packets that are due, up to `segments` of one size in a call; only the last of a call may be shorter.
fn flush(quic: &mut quiche::Connection, sock: &UdpSocket, out: &mut [u8], segments: usize) {
    let full = quic.max_send_udp_payload_size();
    let (mut n, mut size, mut last) = (0, 0, None);
    while let Ok((len, info)) = quic.send(&mut out[n..n + full]) {
        if n > 0 && len > size {
            send(sock, &out[..n], size, info.to);
            out.copy_within(n..n + len, 0);
            n = 0;
        }
        if n == 0 {
            size = len;
        }
        n += len;
        last = Some(info.to);
        if len < size || n == segments * size {
            send(sock, &out[..n], size, info.to);
            n = 0;
        }
    }
    if let (Some(to), 1..) = (last, n) {
        send(sock, &out[..n], size, to);
    }
}

/// A full socket buffer counts as a lost packet.
fn send(sock: &UdpSocket, data: &[u8], size: usize, to: SocketAddr) {
    if data.len() <= size {
        let _ = sock.send_to(data, to);
    } else {
        let (to, cmsg) = (SockaddrStorage::from(to), [ControlMessage::UdpGsoSegments(&(size as u16))]);
        let _ = sendmsg(sock.as_raw_fd(), &[IoSlice::new(data)], &cmsg, MsgFlags::empty(), Some(&to));
    }
}

fn config(cert: &str, key: &str) -> quiche::Result<quiche::Config> {
    let mut c = quiche::Config::new(quiche::PROTOCOL_VERSION)?;
    c.load_cert_chain_from_pem_file(cert)?;
    c.load_priv_key_from_pem_file(key)?;
    c.set_application_protos(h3::APPLICATION_PROTOCOL)?;
    c.set_max_idle_timeout(30_000);
    c.set_max_recv_udp_payload_size(PACKET);
    c.set_max_send_udp_payload_size(PACKET);
    c.set_initial_max_data(10_000_000);
    c.set_initial_max_stream_data_bidi_remote(1_000_000);
    c.set_initial_max_stream_data_uni(1_000_000);
    c.set_initial_max_streams_bidi(100);
    c.set_initial_max_streams_uni(100);
    c.set_disable_active_migration(true);
    Ok(c)
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let local: SocketAddr = ([127, 0, 0, 1], a[1].parse().unwrap()).into();
    let segments = if a.get(4).is_some_and(|x| x == "gso") { SEGMENTS } else { 1 };
    let mut config = config(&a[2], &a[3]).unwrap();
    let mut sock = UdpSocket::bind(local).unwrap();
    setsockopt(&sock, RcvBuf, &(4 << 20)).unwrap();
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(16));
    poll.registry().register(&mut sock, Token(0), Interest::READABLE).unwrap();

    let (mut buf, mut out) = (vec![0; 65536], vec![0; (SEGMENTS + 1) * PACKET]);
    let mut clients: HashMap<u128, Client> = HashMap::new();
    let mut ids: HashMap<ConnectionId<'static>, u128> = HashMap::new(); // the client's first choice, and ours
    let mut accepted = 0u128;
    loop {
        let timeout = clients.values().filter_map(|c| c.quic.timeout()).min();
        if poll.poll(&mut events, timeout).is_err() {
            continue;
        }
        if events.is_empty() {
            clients.values_mut().for_each(|c| c.quic.on_timeout());
        }
        while let Ok((n, from)) = sock.recv_from(&mut buf) {
            let packet = &mut buf[..n];
            let Ok(hdr) = quiche::Header::from_slice(packet, 16) else { continue };
            let client = match ids.get(&hdr.dcid) {
                Some(i) => clients.get_mut(i).unwrap(),
                None if hdr.ty == quiche::Type::Initial && quiche::version_is_supported(hdr.version) => {
                    let id = ConnectionId::from_vec(accepted.to_be_bytes().to_vec());
                    let Ok(quic) = quiche::accept(&id, None, local, from, &mut config) else { continue };
                    ids.insert(id, accepted);
                    ids.insert(hdr.dcid.into_owned(), accepted);
                    accepted += 1;
                    clients.entry(accepted - 1).or_insert(Client { quic, h3: None, pending: HashMap::new() })
                }
                None => continue,
            };
            if client.quic.recv(packet, quiche::RecvInfo { from, to: local }).is_ok() {
                client.serve();
            }
        }
        for c in clients.values_mut() {
            flush(&mut c.quic, &sock, &mut out, segments);
        }
        let before = clients.len();
        clients.retain(|_, c| !c.quic.is_closed());
        if clients.len() < before {
            ids.retain(|_, i| clients.contains_key(i));
        }
    }
}
