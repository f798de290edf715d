//! peer_actix PORT: HTTP/1.1, one worker.
use actix_web::http::header::{HeaderValue, CONTENT_TYPE, SERVER};
use actix_web::{web, App, HttpResponse, HttpServer};
use futures_util::StreamExt;
use std::sync::LazyLock;

static K64: LazyLock<web::Bytes> = LazyLock::new(|| web::Bytes::from(vec![b'x'; 64 << 10]));
static M1: LazyLock<web::Bytes> = LazyLock::new(|| web::Bytes::from(vec![b'x'; 1 << 20]));

fn ok(body: web::Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((SERVER, HeaderValue::from_static("actix")))
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/plain")))
        .body(body)
}
async fn plaintext() -> HttpResponse { ok(web::Bytes::from_static(b"Hello, World!")) }
async fn k64() -> HttpResponse { ok(K64.clone()) }
async fn m1() -> HttpResponse { ok(M1.clone()) }
async fn upload(mut p: web::Payload) -> HttpResponse {
    let mut n = 0;
    while let Some(Ok(c)) = p.next().await { n += c.len() }
    ok(format!("{n:013}").into())
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    HttpServer::new(|| {
        App::new()
            .route("/plaintext", web::get().to(plaintext))
            .route("/64k", web::get().to(k64))
            .route("/1m", web::get().to(m1))
            .route("/upload", web::post().to(upload))
    }).workers(1).backlog(4096).max_connections(100_000).max_connection_rate(100_000)
        .keep_alive(std::time::Duration::from_secs(3600))
        .bind(("127.0.0.1", port))?.run().await
}
