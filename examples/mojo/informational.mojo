"""An interim answer: 103 (RFC 8297) tells the client what to load while the page is still being made."""

from flare import Exchange, Field, Request, Response, Router
from support.run import run

comptime PAGE = "<!doctype html><title>flare</title><link rel=stylesheet href=/style.css><p>hello\n"


def get_page(mut exchange: Exchange) raises:
    exchange.inform(103, [Field("link", "</style.css>; rel=preload; as=style")])
    # Here a real page would ask a database.
    exchange.answer(Response.html(PAGE))


def get_style(request: Request) -> Response:
    return Response("p { color: tomato }\n").with_header("content-type", "text/css; charset=utf-8")


def main() raises:
    var router = Router()
    router.get("/", get_page)
    router.get("/style.css", get_style)
    run(router)
