//! A server of flare, and openers for each wire to it.

use flare::prelude::*;
use flare::server::RunningServer;
use flare::tls::{ClientTls, Identity, ServerTls, Source};
use flare::websocket::client::{Opener, Options, Socket, Wire};
use flare::websocket::{Message, WebSocket, WsOptions};

pub struct Running {
    pub server: RunningServer,
    authority: Source,
    plain: String,
    secure: String,
}

/// Each way to a socket.
pub const WAYS: [(&str, Wire); 4] =
    [("ws", Wire::Http1), ("ws", Wire::Http2), ("wss", Wire::Http1), ("wss", Wire::Any)];

/// Sends each message back.
pub fn echo(socket: &WebSocket, message: Message<'_>) {
    // Err: the socket is closing.
    let _ = socket.send(message);
}

/// A server whose `/` echoes, with these options.
pub fn echoing(options: WsOptions) -> Running {
    let mut router = Router::new();
    router.ws_with("/", options, |_: &Request| echo).unwrap();
    running(router, ServerConfig::default())
}

/// A server of these routes, on TCP and on TLS.
pub fn running(router: Router, config: ServerConfig) -> Running {
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, key) = (certificate.cert.pem(), certificate.signing_key.serialize_pem());
    let tls = ServerTls::new(Identity::new(Source::bytes(&chain), Source::bytes(&key)));
    let server = Server::new(router).config(config).listen("127.0.0.1:0").unwrap();
    let server = server.listen_tls("127.0.0.1:0", tls).unwrap().bind().unwrap().start().unwrap();
    let [plain, secure] = [0, 1].map(|place| {
        let address = server.addresses()[place].to_string();
        format!("localhost:{}", address.rsplit_once(':').unwrap().1)
    });
    Running { server, authority: Source::bytes(chain), plain, secure }
}

impl Running {
    pub fn uri(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", if scheme == "wss" { &self.secure } else { &self.plain })
    }

    pub fn opener(&self, options: Options) -> Opener {
        Opener::new(options.tls(ClientTls::with_roots(self.authority.clone()))).unwrap()
    }

    /// A socket for each way.
    pub fn sockets(&self, options: &Options) -> Vec<Socket> {
        WAYS.into_iter()
            .map(|(scheme, wire)| {
                self.opener(options.clone().wire(wire)).open(&self.uri(scheme, "/")).unwrap()
            })
            .collect()
    }
}
