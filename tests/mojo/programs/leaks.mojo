"""A server for many requests: each route makes values that would be seen in the end if they stayed."""

from flare import (
    Driver,
    Event,
    EventKind,
    Exchange,
    Flow,
    Log,
    LogLevel,
    Middleware,
    Piece,
    Request,
    Response,
    RouteOptions,
    Router,
    Server,
    ServerConfig,
    Source,
    Step,
    ok,
)


def fields(request: Request) raises -> Response:
    var text = String(len(request.headers()), " ", request.header("host").or_else(""), request.param("name"))
    return ok(text + " and something that is too long to be kept in place").with_header("x-test", text)


def echo(request: Request) -> Response:
    return Response.bytes(request.body())


def large(request: Request) -> Response:
    return Response.bytes(List[UInt8](length=100_000, fill=0))


def raising(request: Request) raises -> Response:
    raise Error("a message of some length for ", request.path())


def later(mut exchange: Exchange) raises:
    var kept = exchange.keep()
    var request = exchange.request.keep()
    kept.answer(ok(request.path()))


struct Lines(Source):
    var left: Int
    var text: String

    def __init__(out self):
        self.left = 3
        self.text = String("x") * 100

    def pull(mut self, mut piece: Piece) raises:
        piece.write(self.text, "\n")
        self.left -= 1
        if self.left == 0:
            piece.end()


def source(request: Request) raises -> Response:
    return Response.source(Lines())


struct Counting(Driver):
    var content: List[UInt8]

    def __init__(out self):
        self.content = List[UInt8]()

    def on_event(mut self, mut exchange: Exchange, event: Event) raises -> Flow:
        self.content.extend(event.data())
        if event.kind == EventKind.END:
            exchange.answer(Response.bytes(self.content.copy()))
        return Flow.CONTINUE


def driven(mut exchange: Exchange) raises:
    exchange.drive(Counting())


@fieldwise_init
struct Naming(Middleware):
    def on_request(mut self, mut exchange: Exchange) raises -> Step:
        exchange.request.set_attribute("name", exchange.request.path())
        return Step.NEXT


@fieldwise_init
struct Silent(Log):
    def write(mut self, level: LogLevel, message: String):
        pass


def main() raises:
    var router = Router()
    router.layer(Naming())
    router.get("/fields/:name", fields)
    router.post("/echo", echo)
    router.get("/large", large)
    router.get("/raising", raising)
    router.get("/later", later)
    router.get("/source", source)
    router.post("/driven", driven, RouteOptions(streaming=True))
    var server = Server(router, ServerConfig(workers=1))
    server.set_log(LogLevel.ERROR, Silent())
    server.listen("127.0.0.1:0")
    server.start()
    server.drain_on_signals()
    print("listening on", server.address(), flush=True)
    server.wait()
