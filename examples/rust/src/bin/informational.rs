//! An interim answer: 103 (RFC 8297) tells the client what to load while the page is still being made.
use flare::prelude::*;

const PAGE: &str = "<!doctype html><title>flare</title><link rel=stylesheet href=/style.css><p>hello\n";

fn get_page(exchange: Exchange) {
    let mut hints = Headers::new();
    let sent = hints.append("link", "</style.css>; rel=preload; as=style").is_ok()
        && exchange.inform(103, hints).is_ok();
    // Here a real page would ask a database, unless the client has left.
    if sent {
        exchange.respond(Response::html(PAGE));
    }
}

fn get_style(_: &Request) -> Result<Response, flare::InvalidField> {
    Response::new(200)
        .with_body("p { color: tomato }\n")
        .with_header("content-type", "text/css; charset=utf-8")
}

fn main() -> Result<(), flare::Error> {
    let mut router = Router::new();
    router.get("/", flare::later(get_page))?;
    router.get("/style.css", get_style)?;
    flare_examples::run(router)
}
