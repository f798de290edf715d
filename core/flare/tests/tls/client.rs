//! A client over TLS, in the protocol that ALPN agrees on.

use flare::client::{Client, Request as Ask};
use flare::connect::{ConnectConfig, Connector};
use flare::prelude::*;
use flare::tls::ClientTls;

use super::support::{Authority, start};

#[test]
fn the_protocol_is_that_of_alpn() {
    let authority = Authority::new();
    let mut router = Router::new();
    let version = |request: &Request| format!("{:?} {}", request.version(), request.tls().is_some());
    router.get("/", version).unwrap();
    router.post("/echo", |request: &Request| request.body().to_vec()).unwrap();
    let (_running, address) = start(router, ServerConfig::default(), authority.server());
    for (offers, expected, many) in [
        (&["h2", "http/1.1"][..], "Http2 true", true),
        (&["http/1.1"], "Http11 true", false),
        (&[], "Http11 true", false),
    ] {
        let mut tls = ClientTls::with_roots(authority.pem());
        tls.alpn = offers.iter().map(|name| name.as_bytes().to_vec()).collect();
        let connector = Connector::new(ConnectConfig::default().with_tls(tls)).unwrap();
        let connection = connector.connect(&format!("localhost:{}", address.port())).unwrap();
        let mut client = Client::new(connection);
        assert_eq!(client.is_multiplexed(), many);
        let ask = Ask { scheme: "https".to_owned(), ..Ask::new("GET", "localhost", "/") };
        for _ in 0..3 {
            let answer = client.fetch(&ask, b"").unwrap();
            assert_eq!(String::from_utf8(answer.content).unwrap(), expected);
        }
        let body: Vec<u8> = (0..900_000u32).map(|at| (at % 249) as u8).collect();
        let ask = Ask { scheme: "https".to_owned(), ..Ask::new("POST", "localhost", "/echo") };
        assert!(client.fetch(&ask, &body).unwrap().content == body, "{offers:?}");
    }
}
