//! peer_hyper PORT [h1|h2] [CERT KEY]: one thread, hyper on tokio's current_thread runtime.
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderValue, CONTENT_TYPE, SERVER};
use hyper::{body::Incoming, server::conn, service::service_fn, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};
use std::sync::{Arc, LazyLock};
use tokio::io::{AsyncRead, AsyncWrite};

static K64: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![b'x'; 64 << 10]));
static M1: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![b'x'; 1 << 20]));

async fn handle(req: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let mut status = 200;
    let body = match req.uri().path() {
        "/plaintext" => Bytes::from_static(b"Hello, World!"),
        "/64k" => K64.clone(),
        "/1m" => M1.clone(),
        "/upload" => {
            let (mut n, mut body) = (0, req.into_body());
            while let Some(frame) = body.frame().await {
                n += frame?.data_ref().map_or(0, |d| d.len());
            }
            Bytes::from(format!("{n:013}"))
        }
        _ => {
            status = 404;
            Bytes::new()
        }
    };
    let mut res = Response::new(Full::new(body));
    *res.status_mut() = status.try_into().unwrap();
    res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    res.headers_mut().insert(SERVER, HeaderValue::from_static("hyper"));
    Ok(res)
}

#[derive(Clone)]
struct Local;

impl<F: std::future::Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

async fn serve<I: AsyncRead + AsyncWrite + Unpin + 'static>(io: I, h2: bool) {
    let io = TokioIo::new(io);
    let _ = if h2 {
        conn::http2::Builder::new(Local).serve_connection(io, service_fn(handle)).await
    } else {
        conn::http1::Builder::new().pipeline_flush(true).serve_connection(io, service_fn(handle)).await
    };
}

fn tls(cert: &str, key: &str, h2: bool) -> tokio_rustls::TlsAcceptor {
    let certs = CertificateDer::pem_file_iter(cert).unwrap().map(|c| c.unwrap()).collect();
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certs, PrivateKeyDer::from_pem_file(key).unwrap())
        .unwrap();
    config.ticketer = aws_lc_rs::Ticketer::new().unwrap();
    config.alpn_protocols = vec![if h2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    Arc::new(config).into()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let argument = |at: usize| arguments.get(at).map_or("", |text| text.as_str());
    let (port, h2): (u16, bool) = (argument(1).parse().unwrap(), argument(2) == "h2");
    let acceptor = (!argument(3).is_empty()).then(|| tls(argument(3), argument(4), h2));
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&rt, async {
        let l = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        loop {
            let Ok((s, _)) = l.accept().await else { continue };
            let _ = s.set_nodelay(true);
            let acceptor = acceptor.clone();
            tokio::task::spawn_local(async move {
                match acceptor {
                    Some(tls) => {
                        if let Ok(s) = tls.accept(s).await {
                            serve(s, h2).await;
                        }
                    }
                    None => serve(s, h2).await,
                }
            });
        }
    });
}
