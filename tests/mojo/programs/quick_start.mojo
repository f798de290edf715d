"""The first steps of those who come from the flare that was written in Mojo."""

from flare import Extracted, Handler, HeaderStr, HttpServer, PathInt, PathStr, Request, Response, Router, SocketAddr, ok


def home(req: Request) raises -> Response:
    return ok("flare is up")


def greet(req: Request) raises -> Response:
    return ok("hello, " + req.param("name"))


def health(req: Request) raises -> Response:
    var resp = ok('{"status":"ok"}')
    resp.headers.set("Content-Type", "application/json")
    return resp^


@fieldwise_init
struct GetUser(Copyable, Defaultable, Handler, Movable):
    var id: PathInt["id"]

    def __init__(out self):
        self.id = PathInt["id"]()

    def serve(self, req: Request) raises -> Response:
        return ok("user=" + String(self.id.value))


@fieldwise_init
struct GetPart(Defaultable, Handler):
    var name: PathStr["name"]
    var key: HeaderStr["x-key"]
    var answers: Int

    def __init__(out self):
        self.name = PathStr["name"]()
        self.key = HeaderStr["x-key"]()
        self.answers = 0

    def serve(mut self, req: Request) raises -> Response:
        self.answers += 1
        return ok(String(self.name.value, " ", self.key.value, " ", self.answers))


def main() raises:
    var r = Router()
    r.get("/", home)
    r.get("/hi/:name", greet)
    r.get("/health", health)
    r.get("/users/:id", Extracted[GetUser]())
    r.get("/parts/:name", Extracted[GetPart]())
    var srv = HttpServer.bind(SocketAddr.localhost(0))
    srv.serve(r^, num_workers=2)
