"""A proxy: the content of an answer comes from another server, here one in a thread of this program. The bytes go through flare
alone: when the client stops reading the other server is not read either, and when the client leaves it is hung up on."""

import socketserver
import threading

from flare import App, Request, Response
from support import run


class Upstream(socketserver.StreamRequestHandler):
    """The other server: "count N" is answered with N lines, "shout" and text up to its end with that text in upper case."""

    def handle(self) -> None:
        words = self.rfile.readline().split()
        try:
            if words[0] == b"count":
                for number in range(1, int(words[1]) + 1):
                    self.wfile.write(b"%d\n" % number)
            else:
                self.wfile.write(self.rfile.read().upper())
        except ConnectionError:
            pass  # the client has left, or the proxy


Upstream.wbufsize = 1 << 16
socketserver.ThreadingTCPServer.daemon_threads = True
other = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Upstream)
upstream = f"127.0.0.1:{other.server_address[1]}"
app = App()


def relay(prologue: str, forward: bool = False) -> Response:
    return Response.relay(
        upstream, prologue.encode(), content_type="text/plain; charset=utf-8", forward=forward, connect_timeout=1
    )


@app.get("/count/:n")
def get_count(request: Request) -> Response:
    text = request.params["n"]
    if not (text.isascii() and text.isdigit() and len(text) < 8 and int(text) <= 1_000_000):
        return Response("not a number from 0 to 1000000\n", 400)
    return relay(f"count {text}\n")


# The content of a request goes on while it comes.
@app.post("/shout", stream=True)
def post_shout(request: Request) -> Response:
    return relay("shout\n", forward=True)


@app.get("/nobody")
def get_nobody(request: Request) -> Response:
    return Response.relay("unix:/nonexistent/upstream.sock")


if __name__ == "__main__":
    threading.Thread(target=other.serve_forever, daemon=True).start()
    run(app)
