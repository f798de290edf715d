"""A client of WebSockets: sends each line of standard input as a message, and writes each message that comes to standard output, on a line of
its own. When the input ends it closes, and ends with the socket.

    talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]

`--http2`: without TLS, by prior knowledge; with TLS the server chooses.
"""

from std.memory import ArcPointer
from std.sys import argv, exit, stderr

from flare import WebSocketClient, WebSocketEventKind, WebSocketOpener
from support.lines import Lines
from support.threads import Work, spawn

comptime USAGE = "usage: talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]"


def configure(mut opener: WebSocketOpener) raises -> String:
    """Sets what the words say, and gives the URI."""
    opener.set("message_limit", 16 << 20)
    # A server that is not there yet, or has too much to do, is asked again.
    opener.set("attempts", 3)
    var uri = String()
    var at = 1
    while at < len(argv()):
        var word = String(argv()[at])
        if word == "--http2":
            opener.set("http", 2)
        elif word == "--insecure":
            opener.set("tls_insecure_any_certificate", 1)
        elif word == "--deflate":
            opener.set("deflate", 1)
        elif word == "--ca" or word == "--protocol":
            at += 1
            if at == len(argv()):
                raise Error(word, " needs a value")
            opener.set("tls_roots" if word == "--ca" else "protocols", String(argv()[at]))
        elif not uri:
            uri = word
        else:
            raise Error(USAGE)
        at += 1
    if not uri:
        raise Error(USAGE)
    return uri


@fieldwise_init
struct Sender(Work):
    """Sends lines until there are no more. The other thread receives meanwhile, so this may wait for the server as long as it likes."""

    var socket: ArcPointer[WebSocketClient]

    def run(mut self):
        try:
            var lines = Lines()
            while True:
                var line = lines.next()
                if not line:
                    break
                _ = self.socket[].send(line.value())
        except:
            # The socket has ended, or what was typed is no text.
            pass
        try:
            self.socket[].close()
        except:
            # It is gone already.
            pass


def talk(socket: WebSocketClient) raises -> Bool:
    """Writes what comes until the socket ends, and gives whether it ended well."""
    while True:
        var event = socket.receive()
        if not event:
            continue
        ref it = event.value()
        if it.kind == WebSocketEventKind.TEXT:
            print(it.text(), flush=True)
        elif it.kind == WebSocketEventKind.BINARY:
            print(len(it.data()), "bytes", flush=True)
        elif it.kind == WebSocketEventKind.CLOSED:
            print("closed:", it.code(), it.text(), file=stderr)
            return it.is_clean()


def main() raises:
    try:
        var opener = WebSocketOpener()
        var uri = configure(opener)
        var socket = ArcPointer(opener.open(uri))
        # It may wait for a line when the socket ends; then it ends with the program.
        spawn(Sender(socket)).detach()
        if not talk(socket[]):
            # It said how the socket was closed.
            exit(1)
    except error:
        print(error, file=stderr)
        exit(1)
