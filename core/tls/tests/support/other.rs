//! A client that is not ours: rustls with buffers, which can also speak TLS 1.2 alone and send early data.

use std::io::{Read, Write};
use std::sync::Arc;

use flare_tls::Source;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::Side;

/// A configuration that believes this authority.
pub fn config(roots: &Source, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let Source::Bytes(pem) = roots else { panic!("tests keep their certificates in memory") };
    let mut store = RootCertStore::empty();
    store.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth()
}

pub fn client(config: &Arc<ClientConfig>) -> ClientConnection {
    ClientConnection::new(Arc::clone(config), "server.test".try_into().unwrap()).unwrap()
}

/// Carries bytes until both are silent. What the client got.
pub fn run(client: &mut ClientConnection, server: &mut Side) -> Vec<u8> {
    let mut got = Vec::new();
    loop {
        let mut up = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut up).unwrap();
        }
        server.receive(&up);
        let down = server.take();
        if up.is_empty() && down.is_empty() {
            return got;
        }
        let mut down = &down[..];
        while !down.is_empty() {
            client.read_tls(&mut down).unwrap();
            client.process_new_packets().unwrap();
            // Err: nothing more for now.
            let _ = client.reader().read_to_end(&mut got);
        }
    }
}

pub fn send(client: &mut ClientConnection, data: &[u8]) {
    client.writer().write_all(data).unwrap();
}
