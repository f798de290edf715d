//! peer_hyper PORT [h2c]: HTTP/1.1, or HTTP/2 with prior knowledge; one thread, hyper on tokio's current_thread runtime.
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderValue, CONTENT_TYPE, SERVER};
use hyper::{body::Incoming, server::conn, service::service_fn, Request, Response};
use hyper_util::rt::TokioIo;
use std::sync::LazyLock;

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

fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    let http2 = std::env::args().nth(2).is_some_and(|wire| wire == "h2c");
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&rt, async {
        let l = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        loop {
            let Ok((s, _)) = l.accept().await else { continue };
            let _ = s.set_nodelay(true);
            tokio::task::spawn_local(async move {
                if http2 {
                    let builder = conn::http2::Builder::new(Local);
                    let _ = builder.serve_connection(TokioIo::new(s), service_fn(handle)).await;
                    return;
                }
                let _ = conn::http1::Builder::new()
                    .pipeline_flush(true)
                    .serve_connection(TokioIo::new(s), service_fn(handle))
                    .await;
            });
        }
    });
}
