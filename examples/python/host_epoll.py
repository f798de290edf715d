"""A server in a loop of epoll: one descriptor stands for all it does, deadlines included. No thread is made for it."""

import select
import signal

from flare import App, HostServer, Request
from support import address, tell

app = App()


@app.get("/")
def get_home(request: Request) -> str:
    return "Hello from the loop!\n"


@app.post("/")
def post_home(request: Request) -> str:
    return f"{len(request.body)} bytes\n"


def serve(server: HostServer) -> None:
    watch = select.epoll()
    watch.register(server.fileno(), select.EPOLLIN)
    while server.report is None:
        watch.poll()
        # It does a bounded piece of work. If more is left, the descriptor stays readable.
        server.poll()


if __name__ == "__main__":
    server = app.host(address())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.drain())
    tell(server)
    serve(server)
