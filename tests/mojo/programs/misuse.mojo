"""Calls that must be refused, without a client. It prints "ok NAME" or "not ok NAME: why" for each test."""

from std.memory import ArcPointer

from flare import (
    Handler,
    Middleware,
    Mux,
    MuxListener,
    Queue,
    Request,
    Response,
    RouteOptions,
    Router,
    Server,
    ServerConfig,
    Task,
    has_status,
    ok,
)

comptime Count = ArcPointer[Int]


struct Traced(Handler, Middleware, Task):
    """Counts its ends."""

    var ended: Count

    def __init__(out self, ended: Count):
        self.ended = ended

    def __deinit__(deinit self):
        self.ended[] += 1

    def serve(mut self, request: Request) raises -> Response:
        return ok("")

    def run(mut self, worker: Int):
        pass


def hello(request: Request) -> Response:
    return ok("")


def expect(good: Bool, var what: String) raises:
    if not good:
        raise Error(what)


def expect_status(error: Error, name: StringSpan) raises:
    expect(has_status(error, name), String("it raised ", error, ", not ", name))


def refused_handlers_are_destroyed_once() raises:
    var ended = Count(0)
    var router = Router()
    router.get("/", Traced(ended))
    for pattern in ["/", "", "nope", "/:", "/a\0b", "/*a/b"]:
        var before = ended[]
        try:
            router.get(String(pattern), Traced(ended))
            raise Error("taken")
        except error:
            expect(
                has_status(error, "FLARE_ERROR_CONFLICT") or has_status(error, "FLARE_ERROR_INVALID_ARGUMENT"),
                String("for ", pattern, " it raised ", error),
            )
        expect(ended[] == before + 1, String(ended[] - before, " ends"))
    try:
        router.add("B AD", "/x", Traced(ended))
        raise Error("taken")
    except error:
        expect_status(error, "FLARE_ERROR_INVALID_ARGUMENT")
    expect(ended[] == 7, String(ended[], " ends"))
    _ = router^
    expect(ended[] == 8, String(ended[], " ends after that of the router"))


def a_handler_lives_as_long_as_a_server_needs_it() raises:
    var ended = Count(0)
    var router = Router()
    router.get("/", Traced(ended))
    router.layer(Traced(ended))
    var other = Router()
    other.mount("/below", router)
    _ = router^
    expect(ended[] == 0, "it ended with the first router")
    var server = Server(other)
    var second = Server(other)
    _ = other^
    expect(ended[] == 0, "it ended with the router")
    _ = server^
    expect(ended[] == 0, "it ended with the first server")
    _ = second^
    expect(ended[] == 2, String(ended[], " ends"))


def wrong_settings_are_refused() raises:
    var config = ServerConfig()
    config.set("server_name", "a")
    try:
        config.set("nobody", 1)
        raise Error("taken")
    except error:
        expect_status(error, "FLARE_ERROR_INVALID_ARGUMENT")
    try:
        config.set("workers", -1)
        raise Error("taken")
    except error:
        expect_status(error, "FLARE_ERROR_INVALID_ARGUMENT")
    try:
        config.set("server_name", "a\0b")
        raise Error("taken")
    except error:
        expect_status(error, "FLARE_ERROR_INVALID_ARGUMENT")
    try:
        _ = RouteOptions(handler_timeout_ms=0)
        raise Error("taken")
    except error:
        expect_status(error, "FLARE_ERROR_INVALID_ARGUMENT")


def a_server_in_the_wrong_state_refuses() raises:
    var router = Router()
    router.get("/", hello)
    var server = Server(router)
    for call in range(6):
        try:
            if call == 0:
                server.wait()
            elif call == 1:
                server.start()
            elif call == 2:
                _ = server.poll()
            elif call == 3:
                _ = server.stat("requests")
            elif call == 4:
                _ = server.fd()
            else:
                _ = server.address()
            raise Error("done")
        except error:
            expect(
                has_status(error, "FLARE_ERROR_INVALID_STATE") or has_status(error, "FLARE_ERROR_NOT_FOUND"),
                String("call ", call, " raised ", error),
            )


def addresses_are_checked_and_taken_ones_told() raises:
    var router = Router()
    var first = Server(router)
    try:
        first.listen("no address")
        raise Error("taken")
    except error:
        expect_status(error, "FLARE_ERROR_INVALID_ARGUMENT")
    first.listen("127.0.0.1:0")
    first.start()
    var second = Server(router)
    second.listen(first.address())
    try:
        second.start()
        raise Error("bound twice")
    except error:
        expect_status(error, "FLARE_ERROR_ADDRESS_IN_USE")
    try:
        first.listen("127.0.0.1:0")
        raise Error("taken")
    except error:
        expect_status(error, "FLARE_ERROR_INVALID_STATE")
    try:
        _ = first.stat("nobody")
        raise Error("found")
    except error:
        expect_status(error, "FLARE_ERROR_NOT_FOUND")
    var ended = Count(0)
    try:
        first.post(999, Traced(ended))
        raise Error("posted")
    except error:
        expect_status(error, "FLARE_ERROR_NOT_FOUND")
    expect(ended[] == 1, String(ended[], " ends of a task that was refused"))
    first.drain(0)
    first.wait()


def a_queue_ends_when_it_is_closed() raises:
    var queue = Queue()
    var copy = queue.copy()
    try:
        _ = queue.next(timeout_ms=1)
        raise Error("something came")
    except error:
        expect_status(error, "FLARE_ERROR_TIMEOUT")
    copy.close()
    _ = copy^
    expect(not queue.next(), "something came after the end")
    expect(not queue.next(timeout_ms=0), "something came after the end")


def a_mux_says_what_is_wrong() raises:
    var listener = MuxListener("127.0.0.1:0")
    try:
        _ = listener.accept(timeout_ms=1)
        raise Error("somebody came")
    except error:
        expect_status(error, "FLARE_ERROR_TIMEOUT")
    var mux = Mux.connect(listener.address())
    var stream = mux.open()
    stream.finish()
    try:
        stream.write("late".as_bytes())
        raise Error("written")
    except error:
        expect_status(error, "FLARE_ERROR_FINISHED")
    listener.close()
    try:
        listener.close()
        raise Error("closed twice")
    except error:
        expect_status(error, "FLARE_ERROR_INVALID_HANDLE")


def test(name: StaticString, body: def() raises thin -> None):
    try:
        body()
        print("ok", name)
    except error:
        print("not ok ", name, ": ", error, sep="")


def main():
    test("refused handlers are destroyed once", refused_handlers_are_destroyed_once)
    test("a handler lives as long as a server needs it", a_handler_lives_as_long_as_a_server_needs_it)
    test("wrong settings are refused", wrong_settings_are_refused)
    test("a server in the wrong state refuses", a_server_in_the_wrong_state_refuses)
    test("addresses are checked, and taken ones told", addresses_are_checked_and_taken_ones_told)
    test("a queue ends when it is closed", a_queue_ends_when_it_is_closed)
    test("a mux says what is wrong", a_mux_says_what_is_wrong)
    print("the end")
