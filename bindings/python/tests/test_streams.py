"""Content that flows, clients that leave, and deadlines."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import httpx
import pytest

from conftest import PATIENCE, Running, raw
from flare import App, Request, Response

Serve = Callable[[App], Running]


def reset(connection: socket.socket) -> None:
    """Leaves so that the other side sees it at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_content_comes_while_the_handler_runs(serve: Serve) -> None:
    app = App()

    @app.post("/async", stream=True, body_limit=1 << 30)
    async def asynchronous(request: Request) -> str:
        sizes = [len(chunk) async for chunk in request]
        with pytest.raises(RuntimeError, match="stream"):
            _ = request.body
        return f"{sum(sizes)} {len(sizes) > 1}"

    @app.post("/blocking", stream=True, blocking=True, body_limit=1 << 30)
    def blocking(request: Request) -> str:
        return str(sum(len(chunk) for chunk in request))

    @app.post("/whole")
    async def whole(request: Request) -> str:
        return str([len(chunk) async for chunk in request])

    with serve(app) as running:
        content = b"x" * 3_000_000
        assert httpx.post(f"{running.url}/async", content=content).text == "3000000 True"
        assert httpx.post(f"{running.url}/blocking", content=content).text == "3000000"
        assert httpx.post(f"{running.url}/whole", content=b"abc").text == "[3]"
        assert httpx.post(f"{running.url}/async").text == "0 False"


def test_a_generator_is_asked_no_faster_than_the_client_takes(serve: Serve) -> None:
    app = App()
    made = {"/sync": 0, "/async": 0}

    @app.get("/sync")
    def sync(request: Request) -> Iterator[bytes]:
        for _ in range(2000):
            made["/sync"] += 1
            yield b"x" * 50_000

    @app.get("/async")
    async def asynchronous(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(2000):
                made["/async"] += 1
                yield b"x" * 50_000

        return Response(pieces())

    @app.get("/ping")
    def ping(request: Request) -> str:
        return "pong"

    with serve(app) as running:
        for path in made:
            with raw(running, f"GET {path} HTTP/1.1\nHost: a\n\n") as connection:
                connection.recv(10)
                # Others are served meanwhile, and the buffers of both sides are full long before all is made.
                for _ in range(20):
                    assert httpx.get(f"{running.url}/ping").text == "pong"
                assert made[path] < 1000
                reset(connection)


def test_a_client_that_leaves_ends_what_was_made_for_it(serve: Serve) -> None:
    app = App()
    begun, ended = threading.Event(), threading.Event()
    seen: list[object] = []

    @app.get("/task")
    async def task(request: Request) -> str:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append(request.is_disconnected())
            ended.set()
            raise
        return "never"

    @app.get("/sync")
    def sync(request: Request) -> Iterator[bytes]:
        try:
            begun.set()
            while True:
                yield b"x" * 10_000
        finally:
            ended.set()

    @app.get("/async")
    async def asynchronous(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                begun.set()
                while True:
                    yield b"x" * 10_000
            finally:
                ended.set()

        return Response(pieces())

    @app.post("/upload", stream=True)
    async def upload(request: Request) -> str:
        begun.set()
        try:
            async for _ in request:
                pass
        finally:
            seen.append(request.is_disconnected())
            ended.set()
        return "never"

    with serve(app) as running:
        for head in ("GET /task", "GET /sync", "GET /async", "POST /upload"):
            begun.clear()
            ended.clear()
            with raw(running, f"{head} HTTP/1.1\nHost: a\nContent-Length: {10 if 'POST' in head else 0}\n\n") as connection:
                assert begun.wait(PATIENCE), head
                reset(connection)
            assert ended.wait(PATIENCE), head
    assert seen == [True, True]


def test_head_of_a_stream_leaves_nothing_behind(serve: Serve) -> None:
    app = App()
    ended = threading.Event()

    @app.get("/")
    async def get(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 10_000
            finally:
                ended.set()

        return Response(pieces())

    with serve(app) as running:
        assert httpx.head(running.url).status_code == 200
        assert ended.wait(PATIENCE)


def test_a_deadline_cancels_and_answers_503(serve: Serve) -> None:
    app = App()
    ended = threading.Event()

    @app.get("/", timeout=0.05)
    async def get(request: Request) -> str:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return "never"

    with serve(app) as running:
        assert httpx.get(running.url).status_code == 503
        assert ended.wait(PATIENCE)


def test_many_at_once_over_aiohttp(serve: Serve) -> None:
    app = App()

    @app.post("/sync")
    def sync(request: Request) -> bytes:
        return request.body

    @app.post("/async")
    async def asynchronous(request: Request) -> bytes:
        await asyncio.sleep(0)
        return request.body

    async def ask(url: str) -> None:
        async with aiohttp.ClientSession() as session:

            async def one(number: int) -> None:
                path = "/sync" if number % 2 else "/async"
                async with session.post(url + path, data=str(number)) as answer:
                    assert await answer.text() == str(number)

            await asyncio.gather(*map(one, range(500)))

    with serve(app) as running:
        asyncio.run(ask(running.url))


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    app = App()

    @app.get("/:n")
    async def get(request: Request) -> str:
        await asyncio.sleep(0.01 if request.params["n"] == "0" else 0)
        return f"<{request.params['n']}>"

    with serve(app) as running:
        head = "".join(f"GET /{n} HTTP/1.1\nHost: a\n\n" for n in range(5))
        with raw(running, head) as connection:
            received = b""
            while b"<4>" not in received:
                received += connection.recv(65536)
            places = [received.index(b"<%d>" % n) for n in range(5)]
            assert places == sorted(places)


def test_interim_answers_and_trailers(serve: Serve) -> None:
    app = App()

    @app.get("/")
    async def get(request: Request) -> Response:
        request.inform(103, {"link": "</a>"})
        await asyncio.sleep(0)

        async def pieces() -> AsyncIterator[bytes]:
            yield b"abc"

        response = Response(pieces(), content_type="text/plain")
        response.trailers["x-sum"] = "294"
        return response

    with serve(app) as running, raw(running, "GET / HTTP/1.1\nHost: a\nTE: trailers\n\n") as connection:
        received = b""
        while not received.endswith(b"x-sum: 294\r\n\r\n"):
            more = connection.recv(65536)
            assert more, received
            received += more
        assert received.startswith(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n")
        assert b"\r\n3\r\nabc\r\n0\r\n" in received
