//! The client: all cases at once on one connection, as in cases.py.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};

use boring::sha::sha256;
use quiche::h3::{self, Event, Header};
use serde_json::{Value, json};

use crate::Result;
use crate::message::{Outgoing, take, value};
use crate::socket::{config, id, receive, send};

/// One case on its stream.
struct Asked {
    number: usize,
    outgoing: Outgoing,
    status: u16,
    content: Vec<u8>,
}

pub(crate) fn run(address: &str, cases: &str, certificate: &str) -> Result<()> {
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(cases)?)?;
    let host = address.strip_prefix("https://").ok_or("the address is not https://HOST:PORT")?;
    let peer: SocketAddr = host.parse()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let local = socket.local_addr()?;
    let mut config = config()?;
    config.verify_peer(true);
    config.load_verify_locations_from_file(certificate)?;
    let mut quic = quiche::connect(Some("localhost"), &id()?, local, peer, &mut config)?;
    let mut http = None;
    let mut asked = BTreeMap::new();
    let mut answers: Vec<Option<Value>> = vec![None; cases.len()];
    let mut buffer = vec![0; 64 << 10];
    loop {
        send(&socket, &mut quic)?;
        if quic.is_closed() {
            break;
        }
        match receive(&socket, &mut buffer, quic.timeout())? {
            // Err: the datagram is not of this connection, or closes it, which is seen below.
            Some((bytes, from)) => drop(quic.recv(bytes, quiche::RecvInfo { from, to: local })),
            None => quic.on_timeout(),
        }
        if http.is_none() && quic.is_established() {
            let mut made = h3::Connection::with_transport(&mut quic, &h3::Config::new()?)?;
            for (number, case) in cases.iter().enumerate() {
                let (stream, outgoing) = ask(&mut made, &mut quic, host, case)?;
                asked.insert(stream, Asked { number, outgoing, status: 0, content: Vec::new() });
            }
            http = Some(made);
        }
        let Some(http) = &mut http else { continue };
        for (stream, asked) in &mut asked {
            asked.outgoing.go_on(http, &mut quic, *stream)?;
        }
        hear(http, &mut quic, &mut asked, &mut answers)?;
        if asked.is_empty() && !quic.is_closed() && !quic.is_draining() {
            // Done: it was said already.
            let _ = quic.close(true, h3::WireErrorCode::NoError as u64, b"");
        }
    }
    if let Some(error) = quic.peer_error() {
        return Err(format!("the server ended it: {error:?}").into());
    }
    let answers: Option<Vec<Value>> = answers.into_iter().collect();
    println!("{}", Value::from(answers.ok_or("the connection ended before all was answered")?));
    Ok(())
}

fn ask(
    http: &mut h3::Connection,
    quic: &mut quiche::Connection,
    host: &str,
    case: &Value,
) -> Result<(u64, Outgoing)> {
    let text = |name: &str| case[name].as_str().unwrap_or_default();
    let content = case["send"].as_u64().map(|length| content(length as usize));
    let mut head = vec![
        Header::new(b":method", text("method").as_bytes()),
        Header::new(b":scheme", b"https"),
        Header::new(b":authority", host.as_bytes()),
        Header::new(b":path", text("path").as_bytes()),
    ];
    if let Some(content) = &content {
        head.push(Header::new(b"content-length", content.len().to_string().as_bytes()));
    }
    let stream = http.send_request(quic, &head, content.is_none())?;
    let ended = content.is_none();
    Ok((stream, Outgoing::request(content.unwrap_or_default(), ended)))
}

/// Takes what has come of answers.
fn hear(
    http: &mut h3::Connection,
    quic: &mut quiche::Connection,
    asked: &mut BTreeMap<u64, Asked>,
    answers: &mut [Option<Value>],
) -> Result<()> {
    loop {
        let (stream, event) = match http.poll(quic) {
            Ok(heard) => heard,
            Err(h3::Error::Done) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let Some(one) = asked.get_mut(&stream) else { continue };
        match event {
            Event::Headers { list, .. } => {
                one.status = std::str::from_utf8(value(&list, b":status"))?.parse()?
            }
            Event::Data => take(http, quic, stream, &mut one.content)?,
            Event::Finished => {
                let digest: String = sha256(&one.content).iter().map(|byte| format!("{byte:02x}")).collect();
                if let Some(answer) = answers.get_mut(one.number) {
                    *answer = Some(json!([one.status, digest, "HTTP/3"]));
                }
                asked.remove(&stream);
            }
            Event::Reset(code) => return Err(format!("stream {stream} was reset with {code:#x}").into()),
            Event::PriorityUpdate | Event::GoAway => {}
        }
    }
}

/// Bytes of which no piece looks like another, as in cases.py.
fn content(length: usize) -> Vec<u8> {
    let block = |at: usize| sha256(&(at as u64).to_be_bytes());
    let mut bytes: Vec<u8> = (0..length.div_ceil(32)).flat_map(block).collect();
    bytes.truncate(length);
    bytes
}
