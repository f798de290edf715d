"""Middleware: what happens around handlers. A number for each request and a line of log around everything, a key and a limit around what
is mounted below /api."""

from std.atomic import Atomic
from std.time import perf_counter_ns

from flare import Exchange, Head, Middleware, Record, Request, Response, Router, Step, ok
from support.run import run


struct Number(Middleware):
    """Each request gets a number, which handlers see as an attribute and clients as a field."""

    var last: Atomic[Int64]

    def __init__(out self):
        self.last = Atomic[Int64](0)

    def on_request(mut self, mut exchange: Exchange) raises -> Step:
        exchange.request.set_attribute("id", String(self.last.fetch_add(1) + 1))
        return Step.NEXT

    def on_head(mut self, request: Request, mut head: Head) raises:
        head.set("x-request-id", request.attribute("id").or_else(""))


@fieldwise_init
struct Timing(Middleware):
    """The time from here to the head of the answer."""

    def on_request(mut self, mut exchange: Exchange) raises -> Step:
        exchange.request.set_attribute("began", String(perf_counter_ns()))
        return Step.NEXT

    def on_head(mut self, request: Request, mut head: Head) raises:
        var microseconds = (Int(perf_counter_ns()) - Int(request.attribute("began").or_else("0"))) // 1000
        var fraction = String(microseconds % 1000)
        head.set("server-timing", String("app;dur=", microseconds // 1000, ".", fraction.ascii_rjust(3, "0")))


@fieldwise_init
struct Log(Middleware):
    """One line for each exchange, when it has ended."""

    def on_end(mut self, request: Request, record: Record) raises:
        print(request.method(), request.path(), record.status, record.body_bytes)


@fieldwise_init
struct Key(Middleware):
    """Only those who know the key."""

    var key: String

    def on_request(mut self, mut exchange: Exchange) raises -> Step:
        if exchange.request.header("authorization").or_else("") == "Bearer " + self.key:
            return Step.NEXT
        var refusal = Response("who are you?\n", status=401)
        exchange.answer(refusal^.with_header("www-authenticate", 'Bearer realm="api"'))
        return Step.DONE


struct Limit(Middleware):
    """At most so many requests; a real limit counts for each client, and in time."""

    var left: Atomic[Int64]

    def __init__(out self, left: Int64):
        self.left = Atomic[Int64](left)

    def on_request(mut self, mut exchange: Exchange) raises -> Step:
        if self.left.fetch_sub(1) > 0:
            return Step.NEXT
        self.left.store(0)
        exchange.answer(Response("enough for now\n", status=429).with_header("retry-after", "60"))
        return Step.DONE


def get_hello(request: Request) raises -> Response:
    return ok("hello, request " + request.attribute("id").or_else("") + "\n")


def main() raises:
    var api = Router()
    api.layer(Key("open-sesame"))
    api.layer(Limit(3))
    api.get("/hello", get_hello)
    var router = Router()
    # The first is outermost: it sees the request first and the answer last.
    router.layer(Log())
    router.layer(Number())
    router.layer(Timing())
    router.get("/hello", get_hello)
    router.mount("/api", api)
    run(router)
