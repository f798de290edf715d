"""What is measured: app.py PORT sync|async|read|read_async. `read`: a handler that looks at every field and at the query."""

import sys

from flare import App, Request


async def later(request: Request) -> str:
    return "Hello, World!"


def now(request: Request) -> str:
    return "Hello, World!"


def read(request: Request) -> str:
    dict(request.headers.items())
    dict(request.query_params)
    return "Hello, World!"


async def read_later(request: Request) -> str:
    return read(request)


def echo(request: Request) -> object:
    return request.json()


async def echo_later(request: Request) -> object:
    return request.json()


port, kind = int(sys.argv[1]), sys.argv[2]
app = App()
app.get("/plaintext")({"sync": now, "async": later, "read": read, "read_async": read_later}[kind])
app.post("/json")(echo_later if "async" in kind else echo)
app.run("127.0.0.1", port)
