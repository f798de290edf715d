//! quinn and h3 over rustls, all cases at once on one connection: quinn_client ADDRESS CASES CERTIFICATE
use bytes::{Buf, Bytes};
use futures_util::future::try_join;
use ring::digest::{digest, SHA256};
use rustls::pki_types::{pem::PemObject, CertificateDer};
use serde_json::{json, Value};
use std::{error::Error, sync::Arc};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Requests = h3::client::SendRequest<h3_quinn::OpenStreams, Bytes>;

/// How much is sent by one call.
const PIECE: usize = 50_000;

/// Bytes of which no piece looks like another, as in cases.py.
fn content(length: usize) -> Vec<u8> {
    let block = |at: usize| digest(&SHA256, &(at as u64).to_be_bytes()).as_ref().to_vec();
    let mut bytes: Vec<u8> = (0..length.div_ceil(32)).flat_map(block).collect();
    bytes.truncate(length);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn ask(mut requests: Requests, address: String, case: Value) -> Result<Value> {
    let uri = format!("{address}{}", case["path"].as_str().unwrap());
    let mut request = http::Request::builder().method(case["method"].as_str().unwrap()).uri(uri);
    let body = case["send"].as_u64().map(|length| content(length as usize));
    if let Some(body) = &body {
        request = request.header("content-length", body.len());
    }
    let stream = requests.send_request(request.body(())?).await?;
    let (mut sending, mut receiving) = stream.split();
    // Both at a time: the answer to an echo may begin before its request has ended.
    let send = async {
        for piece in body.unwrap_or_default().chunks(PIECE) {
            sending.send_data(Bytes::copy_from_slice(piece)).await?;
        }
        sending.finish().await
    };
    let receive = async {
        let status = receiving.recv_response().await?.status().as_u16();
        let mut all = Vec::new();
        while let Some(mut piece) = receiving.recv_data().await? {
            while piece.has_remaining() {
                let chunk = piece.chunk();
                all.extend_from_slice(chunk);
                let length = chunk.len();
                piece.advance(length);
            }
        }
        Ok((status, all))
    };
    let (_, (status, all)) = try_join(send, receive).await?;
    Ok(json!([status, hex(digest(&SHA256, &all).as_ref()), "HTTP/3"]))
}

async fn run(address: &str, cases: Vec<Value>, certificate: &str) -> Result<Vec<Value>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let config = quinn::ClientConfig::new(Arc::new(quinn::crypto::rustls::QuicClientConfig::try_from(tls)?));
    let mut endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into())?;
    endpoint.set_default_client_config(config);
    let server = address.trim_start_matches("https://").parse()?;
    let quic = endpoint.connect(server, "localhost")?.await?;
    let (mut connection, requests) = h3::client::new(h3_quinn::Connection::new(quic.clone())).await?;
    let driving = tokio::spawn(async move { std::future::poll_fn(|cx| connection.poll_close(cx)).await });
    let asking: Vec<_> = cases
        .into_iter()
        .map(|case| {
            let (requests, address) = (requests.clone(), address.to_owned());
            tokio::spawn(async move { ask(requests, address, case).await.map_err(|error| error.to_string()) })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in asking {
        answers.push(answer.await??);
    }
    drop(requests);
    let ended = driving.await?;
    if !ended.is_h3_no_error() {
        return Err(ended.into());
    }
    endpoint.wait_idle().await;
    Ok(answers)
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let [_, address, cases, certificate] = &words[..] else { return Err("ADDRESS CASES CERTIFICATE".into()) };
    let cases = serde_json::from_slice(&std::fs::read(cases)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answers = runtime.block_on(run(address, cases, certificate))?;
    println!("{}", Value::from(answers));
    Ok(())
}
