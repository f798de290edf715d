"""WebSockets, both ends in the same program. It prints "ok NAME" or "not ok NAME: why" for each test."""

from std.ffi import external_call
from std.memory import ArcPointer

from flare import (
    Connector,
    Log,
    LogLevel,
    Message,
    Request,
    Response,
    Router,
    Server,
    ServerConfig,
    SocketHandler,
    Sockets,
    WebSocket,
    WebSocketClient,
    WebSocketEvent,
    WebSocketEventKind,
    WebSocketOpener,
    WebSocketOptions,
    has_status,
    ok,
)

comptime SECONDS = 20 * 1000


struct Seen(Movable):
    """What happened on the server. It has one worker; the test looks when that has nothing more to do."""

    var opened: Int
    var destroyed: Int
    var code: Int
    var reason: String
    var told: String
    # As they were given, to be read when the library's own are gone.
    var kept: List[String]

    def __init__(out self):
        self.opened = 0
        self.destroyed = 0
        self.code = 0
        self.reason = ""
        self.told = ""
        self.kept = []


comptime Shared = ArcPointer[Seen]


def echo(socket: WebSocket, message: Message) raises:
    _ = socket.send(message)


def in_pieces(socket: WebSocket, message: Message) raises:
    """Answers in two pieces, between which no other message fits."""
    expect(socket.send_fragment("one ".as_bytes(), text=True), "not taken")
    expect(not socket.send("between"), "taken")
    expect(socket.send_fragment(message.data(), text=True, last=True), "not taken")


def length_of(socket: WebSocket, message: Message):
    try:
        _ = socket.send(String(len(message.data()), " ", message.is_text))
    except:
        # It is closing.
        return


@fieldwise_init
struct Guest(SocketHandler):
    var seen: Shared
    var name: String
    var path: String

    def open(mut self, socket: WebSocket) raises:
        self.seen[].opened += 1
        self.path = socket.request().path()
        socket.subscribe("room")
        if self.name == "raising":
            raise Error("a fault in open")

    def message(mut self, socket: WebSocket, message: Message) raises:
        var text = message.text()
        if text == "raise":
            raise Error("a fault in message")
        if text == "close":
            socket.close(3000, "as asked")
        elif text == "who":
            _ = socket.send(String(self.name, " ", socket.protocol().or_else("-"), " ", self.path, " ", socket.missed()))
        elif text == "ask late":
            try:
                _ = socket.request()
            except error:
                _ = socket.send(String(error))
        else:
            expect(socket.publish("room", String(self.name, ": ", text)), "too much waits")

    def close(mut self, socket: WebSocket, code: Int, reason: String) raises:
        self.seen[].code = code
        self.seen[].reason = reason

    def __deinit__(deinit self):
        self.seen[].destroyed += 1


@fieldwise_init
struct Guests(Sockets):
    comptime State = Guest
    var seen: Shared

    def enter(mut self, request: Request) raises -> Guest:
        if request.query().or_else("") == "nobody":
            raise Error("a fault in enter")
        return Guest(self.seen, request.query().or_else("somebody"), "")


@fieldwise_init
struct Told(Log):
    var seen: Shared

    def write(mut self, level: LogLevel, message: String):
        self.seen[].told += message + "\n"
        self.seen[].kept.append(message)


def page(request: Request) -> Response:
    return ok("a page")


def expect(good: Bool, var what: String) raises:
    if not good:
        raise Error(what)


def next_of(socket: WebSocketClient) raises -> WebSocketEvent:
    var event = socket.receive(SECONDS)
    expect(Bool(event), "nothing came")
    return event.take()


def ended(socket: WebSocketClient) raises -> WebSocketEvent:
    while True:
        var event = next_of(socket)
        if event.kind == WebSocketEventKind.CLOSED:
            return event^


def opened(address: String, var path: String, http: Int) raises -> WebSocketClient:
    var opener = WebSocketOpener()
    opener.set("http", http)
    opener.set("protocols", "v1, v2")
    return opener.open(String("ws://", address, path))


def messages(address: String, seen: Shared, http: Int) raises:
    var socket = opened(address, "/echo", http)
    expect(socket.is_open() and socket.http() == http, "another socket")
    expect(socket.send("hé") and socket.send([UInt8(0), 1, 2]), "not taken")
    var first = next_of(socket)
    expect(first.kind == WebSocketEventKind.TEXT and first.text() == "hé", first.text())
    var second = next_of(socket)
    expect(second.kind == WebSocketEventKind.BINARY and len(second.data()) == 3, second.text())
    expect(socket.ping("p".as_bytes()) and next_of(socket).kind == WebSocketEventKind.PONG, "no pong")
    expect(not socket.receive(0) and not socket.receive(10), "more came")
    socket.close(1000, "done")
    socket.close()
    var end = next_of(socket)
    expect(end.kind == WebSocketEventKind.CLOSED and end.code() == 1000 and end.is_clean(), String(end.code()))
    expect(not socket.is_open(), "it is open")
    try:
        _ = socket.send("late")
        raise Error("taken")
    except error:
        expect(has_status(error, "FLARE_ERROR_CLOSED"), String(error))
    var other = opened(address, "/length", http)
    expect(other.send(List[UInt8](length=100_000, fill=1)), "not taken")
    expect(next_of(other).text() == "100000 False", "another length")
    var pieces = opened(address, "/pieces", http)
    expect(pieces.send("two"), "not taken")
    var whole = next_of(pieces)
    expect(whole.kind == WebSocketEventKind.TEXT and whole.text() == "one two", whole.text())


def states(address: String, seen: Shared, http: Int) raises:
    var before = seen[].destroyed
    var one = opened(address, "/room?ann", http)
    var two = opened(address, "/room?bob", http)
    expect(one.protocol().value() == "v2", "another protocol")
    _ = one.send("who")
    expect(next_of(one).text() == "ann v2 /room 0", "another state")
    _ = two.send("who")
    expect(next_of(two).text() == "bob v2 /room 0", "another state")
    _ = one.send("ask late")
    expect("keep it there" in next_of(one).text(), "the request is there behind open")
    _ = one.send("hi")
    expect(next_of(one).text() == "ann: hi" and next_of(two).text() == "ann: hi", "not said to all")
    _ = one.send("close")
    var end = ended(one)
    expect(end.code() == 3000 and end.text() == "as asked", String(end.code()))
    two.close(1001, "leaving")
    _ = ended(two)
    until(seen, before + 2)
    expect(seen[].code == 1001 and seen[].reason == "leaving", String(seen[].code, seen[].reason))


def until(seen: Shared, destroyed: Int) raises:
    """Waits for the worker, which nothing tells of."""
    for _ in range(SECONDS):
        if seen[].destroyed >= destroyed:
            break
        _ = external_call["usleep", Int32](UInt32(1000))
    expect(seen[].destroyed == destroyed, String(seen[].destroyed, " ends, not ", destroyed))


def faults(address: String, seen: Shared, http: Int) raises:
    var before = seen[].destroyed
    for path in ["/room?raising", "/room?nobody"]:
        expect(ended(opened(address, String(path), http)).code() == 1011, String(path))
    var socket = opened(address, "/room?ann", http)
    _ = socket.send("raise")
    expect(ended(socket).code() == 1011, "another code")
    # The one of ?nobody was never made.
    until(seen, before + 2)
    for words in ["a fault in open", "a fault in enter", "a fault in message"]:
        expect(words in seen[].told, seen[].told)
    var again = String()
    for message in seen[].kept:
        again += message + "\n"
    expect(again == seen[].told, again)


def refusals(address: String, seen: Shared, http: Int) raises:
    for path in ["/room", "/nowhere"]:
        var opener = WebSocketOpener()
        opener.set("http", http)
        opener.add_header("origin", "https://elsewhere.test")
        try:
            _ = opener.open(String("ws://", address, path))
            raise Error("opened")
        except error:
            expect(has_status(error, "FLARE_ERROR_REJECTED"), String(error))
    try:
        _ = WebSocketOpener().open("nonsense")
        raise Error("opened")
    except error:
        expect(has_status(error, "FLARE_ERROR_INVALID_ARGUMENT"), String(error))
    try:
        _ = WebSocketOptions(message_limit=0)
        raise Error("taken")
    except error:
        expect(has_status(error, "FLARE_ERROR_INVALID_ARGUMENT"), String(error))
    var router = Router()
    var before = seen[].destroyed
    try:
        router.ws("nonsense", Guests(seen))
        raise Error("added")
    except error:
        expect(has_status(error, "FLARE_ERROR_INVALID_ARGUMENT"), String(error))
    expect(seen[].destroyed == before, "a guest was made")


def looped(address: String, seen: Shared, http: Int) raises:
    var connector = Connector()
    connector.set("timeout_ms", SECONDS)
    var opener = WebSocketOpener(connector)
    opener.set("http", http)
    var opening = opener.begin(String("ws://", address, "/echo"))
    var socket = opening.poll()
    while not socket:
        wait(opening.fd())
        socket = opening.poll()
    _ = socket.value().send("there", timeout_ms=0)
    var event = socket.value().receive(0)
    while not event:
        wait(socket.value().fd())
        event = socket.value().receive(0)
    expect(event.value().text() == "there", event.value().text())
    var other = opener.begin(String("ws://", address, "/echo"))
    other.cancel()
    try:
        _ = other.poll()
        raise Error("opened")
    except error:
        expect(has_status(error, "FLARE_ERROR_CANCELLED"), String(error))


def wait(fd: Int):
    """Until the descriptor is ready: poll(2)."""
    var entry = UInt64(fd) | UInt64(1) << 32
    _ = external_call["poll", Int32](Pointer(to=entry), UInt(1), Int32(SECONDS))


def report(
    name: String, test: def(String, Shared, Int) raises thin -> None, address: String, seen: Shared, http: Int
):
    try:
        test(address, seen, http)
        print(String("ok ", name, ", HTTP/", http))
    except error:
        print(String("not ok ", name, ", HTTP/", http, ":"), error)


def main() raises:
    var seen = Shared(Seen())
    var router = Router()
    router.ws("/echo", echo)
    router.ws("/length", length_of)
    router.ws("/pieces", in_pieces)
    var options = WebSocketOptions(message_limit=1 << 20, protocols="v2")
    options.set("ping_interval_ms", SECONDS)
    options.otherwise(page)
    router.ws("/room", Guests(seen), options)
    var server = Server(router, ServerConfig(workers=1))
    server.set_log(LogLevel.ERROR, Told(seen))
    server.listen("127.0.0.1:0")
    server.start()
    var address = server.address()
    for http in [1, 2]:
        report("messages", messages, address, seen, http)
        report("a state for each socket", states, address, seen, http)
        report("what is raised", faults, address, seen, http)
        report("what is refused", refusals, address, seen, http)
        report("in a loop", looped, address, seen, http)
    try:
        var guest = opened(address, "/room?ann", 1)
        _ = guest.send("who")
        _ = next_of(guest)
        expect(server.publish("room", "from outside"), "too much waits")
        expect(next_of(guest).text() == "from outside", "not published")
        server.drain(SECONDS)
        expect(ended(guest).code() == 1001, "another code")
        print("ok published from outside, and the drain")
    except error:
        print("not ok published from outside, and the drain:", error)
    server.wait()
    _ = server^
    _ = router^
    print("the end", seen[].opened, seen[].destroyed)
