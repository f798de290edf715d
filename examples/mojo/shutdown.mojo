"""The end of a server: SIGTERM or Ctrl-C stops it taking connections, running exchanges get ten seconds, then it reports."""

from flare import Request, Response, Router, Server, ServerConfig, ok
from support.run import address


def get_home(request: Request) -> Response:
    return ok("still here\n")


def post_home(request: Request) -> Response:
    return ok(String(len(request.body()), " bytes\n"))


def main() raises:
    var router = Router()
    router.get("/", get_home)
    router.post("/", post_home)
    var config = ServerConfig()
    config.set("drain_timeout_ms", 10_000)
    var server = Server(router, config)
    server.listen(address())
    server.start()
    server.drain_on_signals()
    print("listening on", server.address(), flush=True)
    server.wait()
    print(
        server.stat("requests"), " requests, ", server.stat("drain_finished"), " connections finished, ",
        server.stat("drain_aborted"), " aborted", sep=""
    )
