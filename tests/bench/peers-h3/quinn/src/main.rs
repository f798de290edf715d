//! peer_h3quinn PORT CERT KEY: quinn and h3 over rustls (ring), one thread.
use bytes::Bytes;
use rustls::pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};
use std::sync::Arc;

static MEGABYTE: [u8; 1 << 20] = [b'x'; 1 << 20];

type Resolver = h3::server::RequestResolver<h3_quinn::Connection, Bytes>;

async fn answer(request: Resolver) -> Result<(), h3::error::StreamError> {
    let (request, mut stream) = request.resolve_request().await?;
    let (status, body) = match request.uri().path() {
        "/plaintext" => (200, &b"Hello, World!"[..]),
        "/64k" => (200, &MEGABYTE[..65536]),
        "/1m" => (200, &MEGABYTE[..]),
        _ => (404, &b""[..]),
    };
    let head = http::Response::builder()
        .status(status)
        .header("server", "quinn")
        .header("content-type", "text/plain");
    stream.send_response(head.header("content-length", body.len()).body(()).unwrap()).await?;
    stream.send_data(Bytes::from_static(body)).await?;
    stream.finish().await
}

async fn serve(incoming: quinn::Incoming) {
    let Ok(quic) = incoming.await else { return };
    let Ok(mut h3) = h3::server::Connection::new(h3_quinn::Connection::new(quic)).await else { return };
    while let Ok(Some(request)) = h3.accept().await {
        tokio::spawn(answer(request));
    }
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let certs = CertificateDer::pem_file_iter(&a[2]).unwrap().map(|c| c.unwrap()).collect();
    let key = PrivateKeyDer::from_pem_file(&a[3]).unwrap();
    let mut tls =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certs, key)
            .unwrap();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    let sock = std::net::UdpSocket::bind(("127.0.0.1", a[1].parse().unwrap())).unwrap();
    nix::sys::socket::setsockopt(&sock, nix::sys::socket::sockopt::RcvBuf, &(4 << 20)).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let runtime = Arc::new(quinn::TokioRuntime);
        let endpoint =
            quinn::Endpoint::new(quinn::EndpointConfig::default(), Some(config), sock, runtime).unwrap();
        while let Some(incoming) = endpoint.accept().await {
            tokio::spawn(serve(incoming));
        }
    });
}
