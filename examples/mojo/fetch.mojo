"""A client: fetches several things from one server, at the same time where the wire can, and writes their content to standard output in
the order they were asked for.

    fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH...

`--http2`: without TLS, by prior knowledge; with TLS the server chooses. `--http3`: by QUIC. `--send`: POST with the content of a file.
"""

from std.sys import argv, exit, stderr, stdout

from flare import Client, ClientEvent, ClientRequest, ClientTls, Connector, EventKind, has_status

comptime USAGE = "usage: fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH..."
comptime SECONDS = 30 * 1000
comptime PART = 16 * 1024


struct Options(Movable):
    # 0: as the server likes.
    var version: Int
    var insecure: Bool
    var ca: String
    var send: Optional[List[UInt8]]
    var origin: String
    var paths: List[String]

    def __init__(out self) raises:
        self.version = 0
        self.insecure = False
        self.ca = ""
        self.send = None
        self.origin = ""
        self.paths = []
        var at = 1
        while at < len(argv()):
            var word = String(argv()[at])
            if word == "--http2":
                self.version = 20
            elif word == "--http3":
                self.version = 30
            elif word == "--insecure":
                self.insecure = True
            elif word == "--ca" or word == "--send":
                at += 1
                if at == len(argv()):
                    raise Error(word, " needs a value")
                var value = String(argv()[at])
                if word == "--ca":
                    self.ca = value
                else:
                    with open(value, "r") as file:
                        self.send = file.read_bytes()
            elif not self.origin:
                self.origin = word
            else:
                self.paths.append(word)
            at += 1
        if len(self.paths) == 0:
            raise Error(USAGE)


struct Fetched(Movable):
    """What has become of one path."""

    var request: ClientRequest
    # How much of the content was taken.
    var sent: Int
    var status: Int
    var content: List[UInt8]
    var ended: Bool

    def __init__(out self, var request: ClientRequest):
        self.request = request^
        self.sent = 0
        self.status = 0
        self.content = []
        self.ended = False

    def send(mut self, content: List[UInt8]) raises:
        """Gives content until no more is taken for now. Waiting here could be for ever: a server that sends back what it gets stops
        reading when nobody takes that."""
        try:
            while self.sent < len(content):
                var end = min(self.sent + PART, len(content))
                if not self.request.write(Span(content)[self.sent : end]):
                    # WRITABLE says when to go on.
                    return
                self.sent = end
                if end == len(content):
                    self.request.finish()
        except error:
            # The server has answered already, and does not want the rest.
            if not has_status(error, "FLARE_ERROR_FINISHED"):
                raise error^

    def take(mut self, event: ClientEvent, content: List[UInt8]) raises:
        """Takes an event of its exchange."""
        if event.kind == EventKind.HEAD:
            self.status = event.response.status()
        elif event.kind == EventKind.DATA:
            self.content.extend(event.data())
        elif event.kind == EventKind.WRITABLE:
            self.send(content)
        elif event.kind == EventKind.END:
            self.ended = True
        elif event.kind == EventKind.CANCELLED:
            raise Error(event.response.failure().or_else("it"), ": there is no whole answer")


def connect(options: Options, scheme: String, authority: String) raises -> Client:
    var target = authority
    var port = authority.rfind(":")
    if port < 0 or not is_number(String(authority[byte = port + 1 :])):
        target += ":443" if scheme == "https" else ":80"
    if scheme == "http":
        return Client.connect(Connector(), target, version=options.version)
    var tls = ClientTls(alpn="h2,http/1.1", roots=options.ca, insecure_any_certificate=options.insecure)
    return Client.connect(Connector(tls), target, version=options.version)


def is_number(text: String) -> Bool:
    for byte in text.as_bytes():
        if byte < UInt8(ord("0")) or byte > UInt8(ord("9")):
            return False
    return text.byte_length() > 0


def begin(mut client: Client, authority: String, path: String, content: Optional[List[UInt8]], tag: Int) raises -> Fetched:
    """Begins to fetch one path."""
    var request = ClientRequest("POST" if content else "GET", authority, path)
    if content and len(content.value()) > 0:
        request.set_content_length(len(content.value()))
    _ = client.open(request, tag=tag)
    var one = Fetched(request^)
    if content:
        one.send(content.value())
    return one^


def fetch(mut client: Client, options: Options, authority: String) raises -> List[Fetched]:
    """Fetches everything, as many at a time as the connection takes."""
    var all = List[Fetched]()
    var ended = 0
    var nothing = List[UInt8]()
    while ended < len(options.paths):
        while len(all) < len(options.paths) and client.can_open():
            all.append(begin(client, authority, options.paths[len(all)], options.send, len(all)))
        var event = client.next(SECONDS)
        if not event:
            raise Error("the server ended the connection")
        ref one = all[event.value().tag()]
        if options.send:
            one.take(event.value(), options.send.value())
        else:
            one.take(event.value(), nothing)
        ended += Int(event.value().kind == EventKind.END)
    return all^


def main() raises:
    try:
        var options = Options()
        var parts = options.origin.split("://")
        var scheme = String(parts[0])
        if len(parts) != 2 or (scheme != "http" and scheme != "https"):
            raise Error("the address is no http:// or https://")
        var authority = String(parts[1])
        var client = connect(options, scheme, authority)
        var all = fetch(client, options, authority)
        var output = stdout
        for i in range(len(all)):
            print(all[i].status, options.paths[i], file=stderr)
            output.write_bytes(all[i].content)
        client.close()
    except error:
        print(error, file=stderr)
        exit(1)
