"""The workload "plain" as target/showcase answers it: the same fields and the same content, from a handler of its own."""

from std.sys import argv

from flare import Request, Response, Router, Server, ServerConfig


def get_plaintext(request: Request) -> Response:
    return Response("Hello, World!", content_type="text/plain")


def main() raises:
    var router = Router()
    router.get("/plaintext", get_plaintext)
    var server = Server(router, ServerConfig(workers=1))
    server.listen(String("127.0.0.1:", argv()[1]))
    server.start()
    server.drain_on_signals()
    server.wait()
