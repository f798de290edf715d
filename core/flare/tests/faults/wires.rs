//! One server on every wire, and flare's own client on each.

use flare::client::{Client, Request as Ask};
use flare::connect::{ConnectConfig, Connector};
use flare::prelude::*;
use flare::server::RunningServer;
use flare::tls::ClientTls;

use crate::support::Authority;

#[derive(Debug, Clone, Copy)]
pub enum Wire {
    Http1,
    Http2,
    /// HTTP/2 over TLS.
    Tls,
    Http3,
}

pub const WIRES: [Wire; 4] = [Wire::Http1, Wire::Http2, Wire::Tls, Wire::Http3];

pub struct Served {
    pub running: RunningServer,
    authority: Authority,
}

pub fn serve(router: Router, config: ServerConfig) -> Served {
    let authority = Authority::new();
    let config = ServerConfig { http3_enabled: true, ..config };
    let server = Server::new(router).config(config).listen("127.0.0.1:0").unwrap();
    let server = server.listen_tls("127.0.0.1:0", authority.server()).unwrap();
    Served { running: server.bind().unwrap().start().unwrap(), authority }
}

impl Served {
    /// Whom its clients believe.
    pub fn pem(&self) -> flare::tls::Source {
        self.authority.pem()
    }

    /// A way to connect that threads may take with them.
    pub fn door(&self) -> Door {
        let tls = ClientTls::with_roots(self.authority.pem());
        let tls = ClientTls { alpn: vec![b"h2".to_vec()], ..tls };
        let port = |at: usize| {
            let address = self.running.addresses()[at].to_string();
            address.rsplit(':').next().unwrap().to_owned()
        };
        Door { tls, plain: format!("127.0.0.1:{}", port(0)), secure: format!("localhost:{}", port(1)) }
    }
}

#[derive(Clone)]
pub struct Door {
    tls: ClientTls,
    plain: String,
    secure: String,
}

impl Door {
    pub fn connect(&self, wire: Wire) -> Option<Client> {
        let secure = || Connector::new(ConnectConfig::default().with_tls(self.tls.clone())).unwrap();
        match wire {
            Wire::Http1 => Connector::default().connect(&self.plain).ok().map(Client::http1),
            Wire::Http2 => Connector::default().connect(&self.plain).ok().map(Client::http2),
            Wire::Tls => secure().connect(&self.secure).ok().map(Client::new),
            Wire::Http3 => {
                let tls = ClientTls { alpn: Vec::new(), ..self.tls.clone() };
                let connector = Connector::new(ConnectConfig::default().with_tls(tls)).unwrap();
                Client::connect_http3(&connector, &self.secure).ok()
            }
        }
    }
}

pub fn ask(path: &str) -> Ask {
    Ask { scheme: String::new(), ..Ask::new("GET", "localhost", path) }
}
