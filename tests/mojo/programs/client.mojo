"""The client against a server in the same program. It prints "ok NAME" or "not ok NAME: why" for each test."""

from std.ffi import external_call
from std.memory import ArcPointer

from flare import (
    Client,
    ClientEvent,
    ClientRequest,
    ClientTls,
    Connector,
    Driver,
    Event,
    EventKind,
    Exchange,
    Flow,
    Request,
    Response,
    RouteOptions,
    Router,
    Server,
    ServerConfig,
    Tls,
    TlsResolver,
    has_feature,
    has_status,
    ok,
    version as library_version,
)

comptime SECONDS = 20 * 1000


def hello(request: Request) raises -> Response:
    return ok(request.query().or_else("hello")).with_header("x-word", request.header("x-word").or_else("-"))


def echo(request: Request) -> Response:
    return Response.bytes(request.body(), status=201)


def early(mut exchange: Exchange) raises:
    exchange.inform(103)
    exchange.add_trailer("x-sum", "42")
    exchange.answer(ok("at last"))


@fieldwise_init
struct Back(Driver):
    """Sends content back as it comes."""

    def on_event(mut self, mut exchange: Exchange, event: Event) raises -> Flow:
        if event.kind == EventKind.DATA:
            _ = exchange.write(event.data())
        elif event.kind == EventKind.END:
            exchange.add_trailer("x-sum", exchange.request.trailer("x-sum").or_else("-"))
            exchange.finish()
        return Flow.CONTINUE


def duplex(mut exchange: Exchange) raises:
    exchange.start()
    exchange.drive(Back())


def switch(mut exchange: Exchange) raises:
    exchange.add_header("x-offer", exchange.request.offered_protocol().or_else("-"))
    exchange.add_header("x-local", exchange.request.local_address())
    if not exchange.request.offered_protocol():
        exchange.answer(ok("no offer"))
        return
    try:
        exchange.switch_protocol("another")
    except error:
        exchange.add_header("x-refused", String(has_status(error, "FLARE_ERROR_INVALID_ARGUMENT")))
    exchange.switch_protocol("back")
    exchange.drive(Back())


@fieldwise_init
struct Silent(Driver):
    def on_event(mut self, mut exchange: Exchange, event: Event) raises -> Flow:
        return Flow.CONTINUE


def never(mut exchange: Exchange) raises:
    exchange.drive(Silent())


def expect(good: Bool, var what: String) raises:
    if not good:
        raise Error(what)


def next_of(mut client: Client) raises -> ClientEvent:
    var event = client.next(SECONDS)
    expect(Bool(event), "the connection is over")
    return event.take()


def whole(address: String, version: Int) raises:
    var client = Client.connect(Connector(), address, version=version)
    expect(client.version() == version, String("it speaks ", client.version()))
    for _ in range(2):
        var request = ClientRequest("GET", "a.test", "/?some=thing")
        request.add_header("X-Word", "one")
        request.set_header("x-word", "two")
        var answer = client.fetch(request)
        # The answer keeps the exchange.
        _ = request^
        expect(answer.status() == 200 and answer.text() == "some=thing", answer.text())
        expect(answer.version() == version and answer.header("X-WORD").value() == "two", "another head")
        expect(not answer.failure() and not answer.header("x-other"), "more than there is")
        var names = String()
        for field in answer.headers():
            names += field.name + " "
        expect("x-word " in names and "content-length " in names, names)
    var content = List[UInt8](length=1_000_000, fill=7)
    var answer = client.fetch(ClientRequest("POST", "a.test", "/echo"), content)
    expect(answer.status() == 201 and List[UInt8](answer.body()) == content, "other content")
    var last = client.fetch(ClientRequest("GET", "a.test", "/early"))
    expect(last.text() == "at last" and last.trailer("x-sum").value() == "42", last.text())
    expect(len(last.trailers()) == 1, "other trailers")
    _ = client^
    expect(last.text() == "at last", "the answer went with its client")


def pieces(address: String, version: Int) raises:
    var client = Client.connect(Connector(), address, version=version)
    var request = ClientRequest("POST", "a.test", "/duplex")
    request.set_content_length(None)
    expect(client.open(request, tag=7), "it was not taken")
    expect(request.write("piece ") and request.write("piece "), "a piece was not taken")
    request.write_blocking("last".as_bytes())
    request.add_trailer("x-sum", "17")
    var text = String()
    var finished = False
    var status = 0
    while True:
        var event = next_of(client)
        expect(event.tag() == 7, "another exchange")
        if event.kind == EventKind.HEAD:
            status = event.response.status()
        elif event.kind == EventKind.DATA:
            text += String(from_utf8_lossy=event.data())
        elif event.kind == EventKind.END:
            expect(event.response.trailer("x-sum").value() == "17", "another trailer")
            break
        if not finished and text == "piece piece last":
            request.finish()
            finished = True
    expect(status == 200 and text == "piece piece last", text)
    try:
        request.finish()
        raise Error("finished twice")
    except error:
        expect(has_status(error, "FLARE_ERROR_FINISHED"), String(error))
    _ = client^


def switches(address: String, version: Int) raises:
    var client = Client.connect(Connector(), address, version=version)
    # With HTTP/2 the server's first settings say that it takes other protocols: they come with the first answer.
    var plain = client.fetch(ClientRequest("GET", "a.test", "/switch"))
    expect(plain.text() == "no offer" and plain.header("x-local").value() == address, plain.text())
    var request = ClientRequest("GET", "a.test", "/switch")
    request.offer_protocol("back")
    expect(client.open(request), "it was not taken")
    var text = String()
    while True:
        var event = next_of(client)
        if event.kind == EventKind.SWITCHED:
            expect(event.response.header("x-offer").value() == "back", "another offer")
            expect(event.response.header("x-refused").value() == "True", "taken without an offer")
            expect(request.write("there"), "not taken")
        elif event.kind == EventKind.DATA:
            text += String(from_utf8_lossy=event.data())
            if text == "there":
                request.finish()
        elif event.kind == EventKind.END:
            break
    expect(text == "there", text)
    _ = request^


def many(address: String, version: Int) raises:
    var client = Client.connect(Connector(), address, version=version)
    var texts = List[String]()
    for number in range(30):
        texts.append("")
        # The client keeps what was opened.
        expect(client.open(ClientRequest("GET", "a.test", String("/?", number)), tag=number), "it was not taken")
    var ended = 0
    while ended < 30:
        var event = next_of(client)
        if event.kind == EventKind.DATA:
            texts[event.tag()] += String(from_utf8_lossy=event.data())
        ended += Int(event.kind == EventKind.END)
    for number in range(30):
        expect(texts[number] == String(number), texts[number])
    client.close()
    expect(not client.can_open() and not client.next(SECONDS), "it is not over")


def looped(address: String, version: Int) raises:
    var connecting = Connector().begin(address)
    expect(connecting.fd() >= 0, "no descriptor")
    var connection = connecting.poll()
    while not connection:
        wait(connecting.fd(), False)
        connection = connecting.poll()
    expect(connection.value().peer() == address, connection.value().peer())
    # The client goes on without the connection.
    var client = Client(connection.take(), version=version)
    var request = ClientRequest("GET", "a.test", "/early")
    expect(client.open(request), "it was not taken")
    var text = String()
    var interim = 0
    while True:
        var event = client.poll()
        if not event:
            wait(client.fd(), client.wants_write())
            continue
        if event.value().kind == EventKind.INFORMATIONAL:
            interim = event.value().response.status()
        if event.value().kind == EventKind.DATA:
            text += String(from_utf8_lossy=event.value().data())
        if event.value().kind == EventKind.END:
            break
    expect(interim == 103 and text == "at last", String(interim, text))


def wait(fd: Int, write: Bool):
    """Until the descriptor is ready: poll(2)."""
    var events = UInt64(1 | (4 if write else 0))
    var entry = UInt64(fd) | events << 32
    _ = external_call["poll", Int32](Pointer(to=entry), UInt(1), Int32(SECONDS))


def ends(address: String, version: Int) raises:
    var client = Client.connect(Connector(), address, version=version)
    client.set("timeout_ms", 50)
    try:
        _ = client.fetch(ClientRequest("GET", "a.test", "/never"))
        raise Error("answered")
    except error:
        expect(has_status(error, "FLARE_ERROR_TIMEOUT"), String(error))
    # HTTP/2 let go of the exchange, HTTP/1.1 of the connection.
    expect(client.can_open() == (version == 20), "another end")
    client = Client.connect(Connector(), address, version=version)
    var request = ClientRequest("GET", "a.test", "/never")
    expect(client.open(request, tag=1), "it was not taken")
    try:
        _ = client.next(20)
        raise Error("answered")
    except error:
        expect(has_status(error, "FLARE_ERROR_TIMEOUT"), String(error))
    expect(not client.poll(), "something happened")
    client.abort()
    var event = next_of(client)
    expect(event.kind == EventKind.CANCELLED, "no end")
    expect(event.response.failure().value() == "FLARE_ERROR_CLOSED", "another reason")
    # The last request is cancelled, and forgotten.
    client = Client.connect(Connector(), address, version=20)
    request = ClientRequest("GET", "a.test", "/never")
    expect(client.open(request), "it was not taken")
    request.cancel()
    expect(client.open(ClientRequest("GET", "a.test", "/"), tag=2), "it was not taken")
    expect(len(client._running) == 1, "a cancelled one is kept")
    expect(next_of(client).tag() == 2, "an event of the cancelled one")


@fieldwise_init
struct Choosing(TlsResolver):
    """Notes the names, and shows its own certificate; but not for "refused.test"."""

    var asked: ArcPointer[List[String]]
    var own: Tls

    def choose(mut self, server_name: Optional[String]) raises -> UInt:
        self.asked[].append(server_name.or_else("-"))
        if server_name.or_else("-") == "refused.test":
            raise Error("nobody of this name is here")
        return self.own.handle()


def encrypted(_plain: String, _version: Int) raises:
    var router = Router()
    router.get("/", hello)
    var config = ServerConfig(workers=1)
    config.set("http3", 1)
    var server = Server(router, config)
    var asked = ArcPointer(List[String]())
    var settings = Tls.self_signed("localhost")
    settings.set_resolver(Choosing(asked, Tls.self_signed("localhost")))
    server.listen_tls("127.0.0.1:0", settings)
    server.start()
    var address = server.address()
    try:
        _ = Connector(ClientTls(server_name="localhost")).connect(address)
        raise Error("believed")
    except error:
        expect(has_status(error, "FLARE_ERROR_PROTOCOL") and "certificate" in String(error), String(error))
    var tls = ClientTls(alpn="h2,http/1.1", insecure_any_certificate=True)
    tls.set("min_version", 13)
    tls.set("server_name", "refused.test")
    try:
        _ = Connector(tls).connect(address)
        raise Error("not refused")
    except error:
        expect(has_status(error, "FLARE_ERROR_PROTOCOL") and "access_denied" in String(error), String(error))
    tls.set("server_name", "localhost")
    var connection = Connector(tls).connect(address)
    expect(asked[][len(asked[]) - 1] == "localhost", "not asked for the certificate")
    expect(connection.tls("version").value() == "TLSv1.3", "another version")
    expect(connection.tls("alpn").value() == "h2", "another protocol")
    var client = Client(connection)
    expect(client.version() == 20, "HTTP/1.1")
    expect(client.fetch(ClientRequest("GET", "localhost", "/")).text() == "hello", "another answer")
    var quic = Client.connect(Connector(tls), address, version=30)
    var answer = quic.fetch(ClientRequest("GET", "localhost", "/"))
    expect(quic.version() == 30 and answer.version() == 30 and answer.text() == "hello", answer.text())
    try:
        var wrong = ClientTls()
        wrong.set("min_version", 9)
        _ = Connector(wrong)
        raise Error("taken")
    except error:
        expect(has_status(error, "FLARE_ERROR_INVALID_ARGUMENT"), String(error))
    _ = server^


def misuse(address: String, version: Int) raises:
    expect(has_feature("http1") and not has_feature("nothing"), "other features")
    expect(library_version().count(".") == 2, library_version())
    var connector = Connector()
    try:
        connector.set("timeout_ms", 0)
        raise Error("taken")
    except error:
        expect("timeout_ms" in String(error), String(error))
    connector.set("local_address", "127.0.0.1")
    var connection = connector.connect(address)
    var client = Client(connection, version=version)
    try:
        connection.write("x".as_bytes())
        raise Error("written")
    except error:
        expect(has_status(error, "FLARE_ERROR_INVALID_STATE"), String(error))
    try:
        _ = Client(connection)
        raise Error("two clients")
    except error:
        expect(has_status(error, "FLARE_ERROR_INVALID_STATE"), String(error))
    var request = ClientRequest("GET", "a.test", "/")
    for name in ["a b", "", "a\nb", "a\0b"]:
        try:
            request.add_header(String(name), "x")
            raise Error("taken")
        except error:
            expect(has_status(error, "FLARE_ERROR_INVALID_ARGUMENT"), String(error))
    expect(client.fetch(request).status() == 200, "another status")
    try:
        _ = client.fetch(request)
        raise Error("sent twice")
    except error:
        expect(has_status(error, "FLARE_ERROR_FINISHED"), String(error))


def main() raises:
    var router = Router()
    router.get("/", hello)
    router.post("/echo", echo)
    router.get("/early", early)
    router.get("/never", never)
    router.add("*", "/switch", switch)
    router.post("/duplex", duplex, RouteOptions(streaming=True))
    var server = Server(router, ServerConfig(workers=1))
    server.listen("127.0.0.1:0")
    server.start()
    var address = server.address()
    for version in [11, 20]:
        report(String("whole answers, ", version), whole, address, version)
        report(String("content in pieces, ", version), pieces, address, version)
        report(String("in a loop, ", version), looped, address, version)
        report(String("what does not end, ", version), ends, address, version)
        report(String("a stream of bytes, ", version), switches, address, version)
    report("many at a time", many, address, 20)
    report("with TLS", encrypted, address, 0)
    report("misuse", misuse, address, 11)
    print("the end")
    server.drain(0)
    server.wait()


def report(name: String, test: def(String, Int) raises thin -> None, address: String, version: Int):
    try:
        test(address, version)
        print("ok", name)
    except error:
        print(String("not ok ", name, ":"), error)
