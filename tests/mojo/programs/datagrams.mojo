"""A server of datagrams (RFC 9297): /echo sends them back, /misuse says what is refused."""

from flare import Driver, Event, EventKind, Exchange, Flow, Router, Server, ServerConfig


struct Echo(Driver):
    def __init__(out self):
        pass

    def on_event(mut self, mut exchange: Exchange, event: Event) raises -> Flow:
        if event.kind == EventKind.DATAGRAM:
            _ = exchange.send_datagram(event.data())
        elif event.kind == EventKind.DATA:
            raise Error("content on a stream of datagrams")
        elif event.kind == EventKind.END:
            _ = exchange.send_datagram("bye")
            exchange.finish()
        return Flow.CONTINUE


def echo(mut exchange: Exchange) raises:
    exchange.switch_to_datagrams("echo")
    exchange.drive(Echo())


def tell(what: String, error: Error):
    print(what, error, flush=True)


def misuse(mut exchange: Exchange) raises:
    var buffer = List[UInt8](length=10, fill=0)
    try:
        _ = exchange.read_datagram(buffer)
    except error:
        tell("read:", error)
    try:
        _ = exchange.send_datagram("early")
    except error:
        tell("send:", error)
    try:
        exchange.switch_to_datagrams("other")
    except error:
        tell("switch:", error)
    var before = exchange.max_datagram_size()
    exchange.switch_to_datagrams("echo")
    print("sizes:", before, exchange.max_datagram_size(), flush=True)
    if exchange.read_datagram(buffer):
        print("there can be none yet", flush=True)
    try:
        _ = exchange.send_datagram(Span(List[UInt8](length=70_000, fill=0)))
    except error:
        tell("large:", error)
    var taken = 0
    for _ in range(200):
        taken += 1 if exchange.send_datagram("x") else 0
    print("taken:", taken, flush=True)
    exchange.finish()
    try:
        _ = exchange.send_datagram("late")
    except error:
        tell("late:", error)


def main() raises:
    var router = Router()
    router.get("/echo", echo)
    router.get("/misuse", misuse)
    var server = Server(router, ServerConfig(workers=1))
    _ = router^
    server.listen("127.0.0.1:0")
    server.start()
    server.drain_on_signals()
    print("listening on", server.address(), flush=True)
    server.wait()
    _ = server^
    print("the end", flush=True)
