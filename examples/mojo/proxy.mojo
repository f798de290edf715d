"""A proxy: the content of an answer comes from another server, here one in a thread of this program. The bytes go through flare alone: when
the client stops reading the other server is not read either, and when the client leaves it is hung up on."""

from flare import Request, Response, RouteOptions, Router, ExchangeHandler, Handler, bad_request
from support.number import number
from support.run import run
from support.upstream import start_upstream

comptime TEXT = "text/plain; charset=utf-8"


def relay(var address: String, var prologue: String, *, forward: Bool = False) -> Response:
    var first = List[UInt8](prologue.as_bytes())
    return Response.relay(address^, first^, forward=forward, connect_timeout_ms=1000).with_header("content-type", TEXT)


@fieldwise_init
struct Count(Handler):
    var upstream: String

    def serve(mut self, request: Request) raises -> Response:
        var n = number(request.param_bytes("n"), 1_000_000)
        if not n:
            return bad_request("not a number from 0 to 1000000\n")
        return relay(self.upstream, String("count ", n.value(), "\n"))


@fieldwise_init
struct Shout(Handler):
    var upstream: String

    def serve(mut self, request: Request) raises -> Response:
        return relay(self.upstream, "shout\n", forward=True)


def get_nobody(request: Request) -> Response:
    return relay("unix:/nonexistent/upstream.sock", "")


def main() raises:
    var upstream = start_upstream()
    var router = Router()
    router.get("/count/:n", Count(upstream))
    # The content of a request goes on while it comes.
    router.post("/shout", Shout(upstream), RouteOptions(streaming=True))
    router.get("/nobody", get_nobody)
    run(router)
