//! Routes: parameters, a router mounted below another, JSON given back. What has no route is 404, or 405 for another method.
#![allow(clippy::print_stdout, reason = "a program, not a library")]
use flare::prelude::*;

fn get_hi(request: &Request) -> Response {
    match request.params().get("name") {
        Some(name) if name.len() <= 200 => Response::text([b"hi, ", name, b"\n"].concat()),
        _ => (400, "the name is too long\n").into_response(),
    }
}

/// `*path` takes the rest of the path, slashes included, and is decoded.
fn get_file(request: &Request) -> Response {
    Response::text(request.params().get("path").unwrap_or_default().to_vec())
}

fn is_number(text: &str) -> bool {
    let digits = text.bytes().all(|digit| digit.is_ascii_digit());
    digits && (1..=9).contains(&text.len()) && (text == "0" || !text.starts_with('0'))
}

fn get_user(request: &Request) -> Result<Json<String>, (u16, Json<&'static str>)> {
    match request.param("id") {
        Some(id) if is_number(id) => Ok(Json(format!("{{\"id\":{id}}}"))),
        _ => Err((404, Json("{\"error\":\"no such user\"}"))),
    }
}

fn post_echo(request: &Request) -> Result<Json<Vec<u8>>, (u16, Json<&'static str>)> {
    match request.header("content-type") {
        Some("application/json") => Ok(Json(request.body().to_vec())),
        _ => Err((415, Json("{\"error\":\"send application/json\"}"))),
    }
}

fn routes() -> Result<Router, flare::RouteError> {
    let mut api = Router::new();
    api.get("/users/:id", get_user)?;
    api.post("/echo", post_echo)?;
    let mut router = Router::new();
    router.get("/hi/:name", get_hi)?;
    router.get("/files/*path", get_file)?;
    router.mount("/api", api)?;
    Ok(router)
}

fn main() -> Result<(), flare::Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let server = Server::new(routes()?).listen(&address)?.bind()?.start()?;
    let _signals = server.handle().drain_on_signals()?;
    for bound in server.addresses() {
        println!("listening on {bound}");
    }
    server.wait();
    Ok(())
}
