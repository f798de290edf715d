"""A server whose handlers do what they should not. It tells its log, its access log and each end of a value on standard output."""

from std.memory import ArcPointer

from flare import (
    Access,
    AccessLog,
    Driver,
    Event,
    EventKind,
    Exchange,
    ExchangeHandler,
    Flow,
    Handler,
    Head,
    Log,
    LogLevel,
    Middleware,
    Piece,
    Record,
    Request,
    Response,
    RouteOptions,
    Router,
    Server,
    ServerConfig,
    Source,
    Step,
    Task,
    ok,
)


struct Traced(Movable):
    """Says when it is destroyed."""

    var name: String

    def __init__(out self, var name: String):
        self.name = name^

    def __deinit__(deinit self):
        print("destroyed", self.name, flush=True)


def raising(request: Request) raises -> Response:
    raise Error("secret of a handler")


def raising_exchange(mut exchange: Exchange) raises:
    exchange.add_header("x-draft", "lost")
    raise Error("secret of an exchange")


def raising_late(mut exchange: Exchange) raises:
    exchange.start()
    _ = exchange.write("a part")
    raise Error("secret of a stream")


def raising_after(mut exchange: Exchange) raises:
    exchange.answer(ok("answered"))
    raise Error("secret after the answer")


def silent(mut exchange: Exchange):
    pass


def dropping(mut exchange: Exchange) raises:
    _ = exchange.keep()


def twice(mut exchange: Exchange) raises:
    exchange.answer(ok("first"))
    for _ in range(2):
        try:
            exchange.answer(ok("second"))
        except error:
            print("twice:", error, flush=True)


def bad_status(request: Request) -> Response:
    return Response("x", status=42)


def bad_field(request: Request) -> Response:
    return ok("x").with_header("x-test", "a\r\nb: c")


def nul_field(request: Request) -> Response:
    return ok("x").with_header("x-test", "a\0b")


def nul_text(request: Request) -> Response:
    return ok("a\0b")


def no_param(request: Request) raises -> Response:
    return ok(request.param("nobody"))


def no_file(request: Request) -> Response:
    return Response.file("/nonexistent/file")


def large(request: Request) -> Response:
    return Response.bytes(List[UInt8](length=3_000_000, fill=UInt8(ord("x"))))


def fields(request: Request) raises -> Response:
    var text = String(request.method(), " ", request.path(), " ", request.query().or_else("-"), " ", request.version(), "\n")
    for field in request.headers():
        text += String(field, "\n")
    return ok(text)


def attribute(request: Request) raises -> Response:
    var long = String("é") * 400
    request.set_attribute("long", long)
    var same = request.attribute("long").or_else("") == long
    return ok(String(same, " ", Bool(request.attribute("nobody"))))


struct Keeping(Handler):
    """Keeps the first request, and gives it to all."""

    var kept: Optional[Request]
    var traced: Traced

    def __init__(out self):
        self.kept = None
        self.traced = Traced("handler")

    def serve(mut self, request: Request) raises -> Response:
        if not self.kept:
            self.kept = request.keep()
        return ok(self.kept.value().header("x-who").or_else("nobody"))


struct RaisingDriver(Driver):
    var traced: Traced

    def __init__(out self):
        self.traced = Traced("driver")

    def on_event(mut self, mut exchange: Exchange, event: Event) raises -> Flow:
        if event.kind == EventKind.DATA:
            raise Error("secret of a driver")
        return Flow.CONTINUE


def driven(mut exchange: Exchange) raises:
    exchange.drive(RaisingDriver())


struct RaisingSource(Source):
    var large: Bool
    var pulled: Bool
    var traced: Traced

    def __init__(out self, large: Bool):
        self.large = large
        self.pulled = False
        self.traced = Traced("source")

    def pull(mut self, mut piece: Piece) raises:
        if self.large:
            piece.write_bytes(List[UInt8](length=piece.capacity() + 1, fill=0))
        elif self.pulled:
            raise Error("secret of a source")
        else:
            piece.write("a part")
            self.pulled = True


def raising_source(request: Request) raises -> Response:
    return Response.source(RaisingSource(large=False))


def large_source(request: Request) raises -> Response:
    return Response.source(RaisingSource(large=True))


def unsent_source(request: Request) raises -> Response:
    _ = Response.source(RaisingSource(large=False))
    return ok("not sent")


struct Raising(Middleware):
    var at: String
    var traced: Traced

    def __init__(out self, var at: String):
        self.at = at^
        self.traced = Traced("middleware " + self.at)

    def on_request(mut self, mut exchange: Exchange) raises -> Step:
        if self.at == "request":
            raise Error("secret of on_request")
        return Step.NEXT

    def on_head(mut self, request: Request, mut head: Head) raises:
        if self.at == "head":
            raise Error("secret of on_head")

    def on_end(mut self, request: Request, record: Record) raises:
        if self.at == "end":
            raise Error("secret of on_end")


struct Said(Log):
    var traced: Traced

    def __init__(out self):
        self.traced = Traced("log")

    def write(mut self, level: LogLevel, message: String):
        if level == LogLevel.ERROR:
            print("error:", message, flush=True)


struct Accessed(AccessLog):
    var traced: Traced

    def __init__(out self):
        self.traced = Traced("access log")

    def write(mut self, access: Access):
        print("access:", access.method, access.path, access.status, access.body_bytes, flush=True)


struct Telling(Task):
    """Says at its end how often it ran: the first line is where the server listens."""

    var runs: Int
    var traced: Traced

    def __init__(out self, var name: String):
        self.runs = 0
        self.traced = Traced(name^)

    def __deinit__(deinit self):
        print("ran", self.traced.name, self.runs, flush=True)

    def run(mut self, worker: Int):
        self.runs += 1


@fieldwise_init
struct Counting(Task):
    """Counts for somebody else: it may run before the first line is written."""

    var runs: ArcPointer[Int]
    var ends: ArcPointer[Int]

    def __deinit__(deinit self):
        self.ends[] += 1

    def run(mut self, worker: Int):
        self.runs[] += 1


def add_routes(mut router: Router) raises:
    router.get("/raising", raising)
    router.get("/raising-exchange", raising_exchange)
    router.get("/raising-late", raising_late)
    router.get("/raising-after", raising_after)
    router.get("/silent", silent)
    router.get("/dropping", dropping)
    router.get("/twice", twice)
    router.get("/bad-status", bad_status)
    router.get("/bad-field", bad_field)
    router.get("/nul-field", nul_field)
    router.get("/nul-text", nul_text)
    router.get("/no-param", no_param)
    router.get("/no-file", no_file)
    router.get("/large", large)
    router.get("/fields", fields)
    router.get("/attribute", attribute)
    router.get("/keeping", Keeping())
    router.post("/driven", driven, RouteOptions(streaming=True))
    router.get("/raising-source", raising_source)
    router.get("/large-source", large_source)
    router.get("/unsent-source", unsent_source)
    for at in ["request", "head", "end"]:
        var options = RouteOptions()
        options.layer(Raising(String(at)))
        router.get("/raising-in-" + at, fields, options)


def main() raises:
    var router = Router()
    add_routes(router)
    var server = Server(router, ServerConfig(workers=1))
    _ = router^
    server.set_log(LogLevel.ERROR, Said())
    server.set_access_log(Accessed())
    server.on_worker_start(Telling("start"))
    server.on_worker_stop(Telling("stop"))
    server.listen("127.0.0.1:0")
    server.start()
    server.drain_on_signals()
    var posted = ArcPointer(0)
    var delayed = ArcPointer(0)
    var ends = ArcPointer(0)
    server.post(0, Counting(posted, ends))
    # It is destroyed, too, when it can't run any more.
    server.post(0, Counting(delayed, ends), delay_ms=1)
    print("listening on", server.address(), flush=True)
    server.wait()
    _ = server^
    print("posted", posted[], ends[], flush=True)
    print("the end", flush=True)
