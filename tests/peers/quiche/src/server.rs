//! The server: files of a folder, and POST sends its content back.

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;

use quiche::ConnectionId;
use quiche::h3::{self, Event, Header};

use crate::Result;
use crate::message::{Outgoing, take, value};
use crate::socket::{config, id, receive, send};

/// A connection.
struct Client {
    quic: quiche::Connection,
    http: Option<h3::Connection>,
    requests: HashMap<u64, Request>,
}

/// One request.
#[derive(Default)]
struct Request {
    head: Vec<Header>,
    content: Vec<u8>,
    answer: Option<Outgoing>,
}

pub(crate) fn run(folder: &str, certificate: &str, key: &str, retry: bool) -> Result<()> {
    let mut config = config()?;
    config.load_cert_chain_from_pem_file(certificate)?;
    config.load_priv_key_from_pem_file(key)?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let local = socket.local_addr()?;
    println!("listening on {local}");
    std::io::stdout().flush()?;
    // By the ID that we gave, and by the one that the client invented.
    let mut names: HashMap<ConnectionId<'static>, usize> = HashMap::new();
    let mut clients: HashMap<usize, Client> = HashMap::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let next = clients.values().filter_map(|client| client.quic.timeout()).min();
        match receive(&socket, &mut buffer, next)? {
            None => clients.values_mut().for_each(|client| client.quic.on_timeout()),
            Some((bytes, from)) => {
                let Ok(header) = quiche::Header::from_slice(bytes, 16) else {
                    continue;
                };
                let name = match names.get(&header.dcid) {
                    Some(name) => *name,
                    None => {
                        let Some(quic) = begin(&socket, &header, from, local, retry, &mut config)? else {
                            continue;
                        };
                        let name = names.len();
                        names.insert(quic.source_id().into_owned(), name);
                        names.insert(header.dcid.clone(), name);
                        clients.insert(name, Client { quic, http: None, requests: HashMap::new() });
                        name
                    }
                };
                if let Some(client) = clients.get_mut(&name)
                    // Err: it is not of this connection, or closes it.
                    && client.quic.recv(bytes, quiche::RecvInfo { from, to: local }).is_ok()
                {
                    client.serve(Path::new(folder))?;
                }
            }
        }
        for client in clients.values_mut() {
            send(&socket, &mut client.quic)?;
        }
        clients.retain(|_, client| !client.quic.is_closed());
    }
}

/// A client's first packet: makes a connection, unless it has to prove its address first.
fn begin(
    socket: &UdpSocket,
    header: &quiche::Header<'_>,
    from: SocketAddr,
    local: SocketAddr,
    retry: bool,
    config: &mut quiche::Config,
) -> Result<Option<quiche::Connection>> {
    if header.ty != quiche::Type::Initial || !quiche::version_is_supported(header.version) {
        return Ok(None);
    }
    if !retry {
        return Ok(Some(quiche::accept(&id()?, None, local, from, config)?));
    }
    // The token is the ID that the client invented: enough for a test.
    let token = header.token.as_deref().unwrap_or_default();
    if token.is_empty() {
        let mut packet = [0; 1200];
        let length =
            quiche::retry(&header.scid, &header.dcid, &id()?, &header.dcid, header.version, &mut packet)?;
        socket.send_to(packet.get(..length).unwrap_or_default(), from)?;
        return Ok(None);
    }
    let original = ConnectionId::from_ref(token);
    Ok(Some(quiche::accept(&header.dcid, Some(&original), local, from, config)?))
}

impl Client {
    fn serve(&mut self, folder: &Path) -> Result<()> {
        if self.http.is_none() && self.quic.is_established() {
            self.http = Some(h3::Connection::with_transport(&mut self.quic, &h3::Config::new()?)?);
        }
        let Some(http) = &mut self.http else { return Ok(()) };
        // Err: nothing more, or an error, which closes the connection.
        while let Ok((stream, event)) = http.poll(&mut self.quic) {
            let request = self.requests.entry(stream).or_default();
            match event {
                Event::Headers { list, .. } => request.head = list,
                // Err: the client wants no more of it, which comes as an event too.
                Event::Data => drop(take(http, &mut self.quic, stream, &mut request.content)),
                Event::Finished => request.answer = Some(request.answer(folder)),
                Event::Reset(_) => drop(self.requests.remove(&stream)),
                Event::PriorityUpdate | Event::GoAway => {}
            }
        }
        // Err: the client wants no more of it.
        self.requests.retain(|stream, request| {
            request.answer.as_mut().is_none_or(|answer| answer.go_on(http, &mut self.quic, *stream).is_ok())
        });
        Ok(())
    }
}

impl Request {
    fn answer(&self, folder: &Path) -> Outgoing {
        let path = String::from_utf8_lossy(value(&self.head, b":path")).into_owned();
        let (status, content) = if value(&self.head, b":method") == b"POST" {
            (200, self.content.clone())
        } else {
            let name = Path::new(&path).file_name().unwrap_or_default();
            std::fs::read(folder.join(name)).map_or((404, Vec::new()), |content| (200, content))
        };
        let head = vec![
            Header::new(b":status", status.to_string().as_bytes()),
            Header::new(b"content-length", content.len().to_string().as_bytes()),
        ];
        Outgoing::answer(head, content)
    }
}
