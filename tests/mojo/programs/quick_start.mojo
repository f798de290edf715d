"""The first steps of those who come from the flare that was written in Mojo."""

from flare import HttpServer, Request, Response, Router, SocketAddr, ok


def home(req: Request) raises -> Response:
    return ok("flare is up")


def greet(req: Request) raises -> Response:
    return ok("hello, " + req.param("name"))


def health(req: Request) raises -> Response:
    var resp = ok('{"status":"ok"}')
    resp.headers.set("Content-Type", "application/json")
    return resp^


def main() raises:
    var r = Router()
    r.get("/", home)
    r.get("/hi/:name", greet)
    r.get("/health", health)
    var srv = HttpServer.bind(SocketAddr.localhost(0))
    srv.serve(r^, num_workers=2)
