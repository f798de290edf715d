"""Middleware: what happens around handlers. A number for each request and a line of log around everything, a key and a limit
around what is mounted below /api. `protect.py` uses those that come with flare."""

import itertools
import time
from collections.abc import Callable

from flare import App, Request, Response
from support import run

Next = Callable[[Request], Response]

app = App()
api = App()
app.mount("/api", api)
numbers = itertools.count(1)


# The first is outermost: it sees the request first and the answer last.
@app.middleware
def log(request: Request, next: Next) -> Response:
    response = next(request)
    print(request.method, request.path, response.status, len(response.body or b""))
    return response


@app.middleware
def number(request: Request, next: Next) -> Response:
    request.state["id"] = number = numbers.__next__()
    response = next(request)
    response.headers["x-request-id"] = str(number)
    return response


@app.middleware
def timing(request: Request, next: Next) -> Response:
    began = time.perf_counter()
    response = next(request)
    response.headers["server-timing"] = f"app;dur={(time.perf_counter() - began) * 1000:.3f}"
    return response


@api.middleware
def key(request: Request, next: Next) -> Response:
    if request.headers.get("authorization") == "Bearer open-sesame":
        return next(request)
    return Response("who are you?\n", 401, {"www-authenticate": 'Bearer realm="api"'})


left = 3


# At most so many requests; a real limit counts for each client, and in time.
@api.middleware
def limit(request: Request, next: Next) -> Response:
    global left
    if left == 0:
        return Response("enough for now\n", 429, {"retry-after": "60"})
    left -= 1
    return next(request)


@app.get("/hello")
@api.get("/hello")
def get_hello(request: Request) -> str:
    return f"hello, request {request.state['id']}\n"


if __name__ == "__main__":
    run(app)
