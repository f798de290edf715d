//! A server with certificates, and clients that believe them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use flare::prelude::*;
use flare::server::RunningServer;
use flare::tls::{ServerTls, Source};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::common::{PATIENCE, on_ring};

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> Source {
        Source::bytes(self.0.pem())
    }

    /// A chain and a key for a name.
    pub fn issue(&self, name: &str) -> (String, String) {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    pub fn server(&self) -> ServerTls {
        let (chain, key) = self.issue("localhost");
        ServerTls::new(flare::tls::Identity::new(Source::bytes(chain), Source::bytes(key)))
    }

    pub fn client(&self) -> ClientConfig {
        self.believers().with_no_client_auth()
    }

    pub fn roots(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add(CertificateDer::from(self.0.der().to_vec())).unwrap();
        store
    }

    pub fn believers(&self) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots())
    }
}

pub fn start(router: Router, mut config: ServerConfig, tls: ServerTls) -> (RunningServer, SocketAddr) {
    config.io_uring |= on_ring();
    let server = Server::new(router).config(config).listen_tls("127.0.0.1:0", tls).unwrap();
    let running = server.bind().unwrap().start().unwrap();
    let address = address(&running);
    (running, address)
}

pub fn address(running: &RunningServer) -> SocketAddr {
    match running.addresses().first() {
        Some(flare::Address::Ip(address)) => *address,
        other => panic!("{other:?}"),
    }
}

pub fn tcp(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A connection that reads and writes plaintext.
pub struct Client(pub BufReader<StreamOwned<ClientConnection, TcpStream>>);

pub fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> Client {
    let tls = ClientConnection::new(Arc::clone(config), "localhost".try_into().unwrap()).unwrap();
    Client(BufReader::new(StreamOwned::new(tls, tcp(address))))
}

impl Client {
    pub fn tls(&mut self) -> &mut ClientConnection {
        &mut self.0.get_mut().conn
    }

    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    /// Status and content of an answer with a length.
    pub fn answer(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end().to_ascii_lowercase();
            if text.is_empty() {
                break;
            } else if let Some(rest) = text.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(value) = text.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        let mut content = vec![0; length];
        self.0.read_exact(&mut content)?;
        Ok((status, content))
    }

    pub fn get(&mut self, path: &str) -> (u16, Vec<u8>) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        self.answer().unwrap()
    }

    /// Everything until the end, which must be said and not cut.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest)?;
        Ok(rest)
    }
}
