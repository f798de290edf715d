"""The client, against servers of others and our own."""

from __future__ import annotations

import asyncio
import gc
import http.server
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp.web
import pytest
import uvloop

import flare
from conftest import PATIENCE, over_tls
from flare import App, AsyncClient, Client, ClientError, ClientTls, ConnectError, Request, RequestFailed, Response


class Server:
    """A server of our own over TLS, and a client of one wire for it."""

    def __init__(self, url: str, tls: ClientTls, wire: str) -> None:
        self.url, self.tls, self.wire = url, tls, wire

    def options(self, more: dict[str, Any]) -> dict[str, Any]:
        wire = {"1.1": {"http2": False}, "2": {}, "3": {"http3": True}}[self.wire]
        return {"tls": self.tls, "timeout": PATIENCE, **wire, **more}

    def client(self, **more: Any) -> Client:
        return Client(self.url, **self.options(more))

    def async_client(self, **more: Any) -> AsyncClient:
        return AsyncClient(self.url, **self.options(more))


def app() -> App:
    app = App(flare.Settings(body_limit=1 << 30, http3=True))

    @app.get("/hi/:name")
    async def hi(request: Request) -> Response:
        response = Response.text(f"hi, {request.params['name']}", headers={"x-version": request.version})
        response.headers.add("x-two", "a")
        response.headers.add("x-two", "b")
        response.trailers.add("x-trailer", "c")
        return response

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(request.body, content_type=request.headers.get("content-type", "text/plain"))

    @app.post("/flow", stream=True)
    async def flow(request: Request) -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            async for piece in request:
                yield piece.upper()

        return pieces()

    @app.get("/pieces/:count")
    async def pieces(request: Request) -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(int(request.params["count"])):
                yield b"x" * 10_000

        return pieces()

    @app.get("/interim")
    def interim(request: Request) -> str:
        request.inform(103, {"link": "</style.css>"})
        return "done"

    @app.get("/never")
    async def never(request: Request) -> str:
        await asyncio.Event().wait()
        return ""

    @app.get("/cut")
    async def cut(request: Request) -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            # More than waits here for a client: behind it some was taken.
            yield b"half" * 200_000
            yield b"more"
            raise ValueError("on purpose")

        return pieces()

    @app.post("/refuse", stream=True)
    def refuse(request: Request) -> tuple[str, int]:
        return "no", 403

    return app


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, bytes]]:
    with over_tls(app()) as (server, certificate):
        yield f"https://localhost:{server.address.rsplit(':', 1)[1]}", certificate


@pytest.fixture(params=["1.1", "2", "3"])
def tested(request: pytest.FixtureRequest, server: tuple[str, bytes]) -> Server:
    """Each wire."""
    url, certificate = server
    return Server(url, ClientTls(roots=certificate), str(request.param))


@pytest.fixture(params=[asyncio.run, uvloop.run])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[Any]], Any]:
    """Each loop."""
    running: Callable[[Awaitable[Any]], Any] = request.param
    return running


def test_whole_answers(tested: Server) -> None:
    with tested.client() as client:
        assert client.tls is None
        answer = client.get("/hi/ada%20l")
        assert (answer.status, answer.text, answer.version) == (200, "hi, ada l", tested.wire)
        assert answer.headers["X-Version"] == tested.wire and answer.headers.getall("x-two") == ["a", "b"]
        assert answer.trailers["x-trailer"] == "c" and repr(answer) == "<flare.ClientResponse 200>"
        assert client.tls is not None and client.tls.version == "TLSv1.3" and not client.tls.resumed
        assert client.tls.alpn == {"1.1": "http/1.1", "2": "h2", "3": "h3"}[tested.wire]
        assert client.tls.peer_certificate == ssl.PEM_cert_to_DER_cert(str(tested.tls.roots, "ascii"))  # type: ignore[arg-type]
        assert client.get("/nowhere").status == 404
        assert (client.head("/hi/x").status, client.head("/hi/x").body) == (200, b"")
        assert client.post("/echo", json={"a": [1, None]}).json() == {"a": [1, None]}
        assert client.post("/echo", content="hällo", headers={"content-type": "text/x"}).headers["content-type"] == "text/x"
        content = os.urandom(3_000_000)
        assert client.post("/echo", content=content).body == content
        assert client.post("/echo", content=iter([b"ab", "cd", bytearray(b"ef")])).body == b"abcdef"
        assert client.post("/echo", content=b"").body == b""
        [(status, fields)] = client.get("/interim").interim
        assert (status, fields["link"]) == (103, "</style.css>")
    with pytest.raises(RuntimeError, match="closed"):
        client.get("/hi/x")


def test_whole_answers_in_a_loop(tested: Server, run: Callable[[Awaitable[Any]], Any]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            await asyncio.sleep(0)
            yield b"x" * 10_000

    async def main() -> None:
        async with tested.async_client() as client:
            answer = await client.get("/hi/ada")
            assert (answer.status, answer.text, answer.version) == (200, "hi, ada", tested.wire)
            assert client.tls is not None
            assert (await client.post("/echo", json=[1])).json() == [1]
            content = os.urandom(3_000_000)
            assert (await client.post("/echo", content=content)).body == content
            assert len((await client.post("/echo", content=pieces())).body) == 1_000_000
            assert (await client.post("/echo", content=iter([b"ab", "cd"]))).body == b"abcd"
            answers = await asyncio.gather(*(client.get(f"/hi/{number}") for number in range(300)))
            assert [answer.text for answer in answers] == [f"hi, {number}" for number in range(300)]
        with pytest.raises(RuntimeError, match="closed"):
            await client.get("/hi/x")

    run(main())


def test_streams(tested: Server) -> None:
    with tested.client() as client:
        with client.stream("GET", "/pieces/2000") as answer:
            assert answer.status == 200 and answer.version == tested.wire
            assert sum(len(part) for part in answer) == 20_000_000
        with client.stream("POST", "/flow", content=(b"a" * 50_000 for _ in range(400))) as answer:
            assert answer.read() == b"A" * 20_000_000
            assert answer.trailers.get("x") is None
        with client.stream("GET", "/pieces/2000") as answer:
            assert next(iter(answer))[:1] == b"x"
        assert client.get("/hi/again").text == "hi, again"


def test_streams_in_a_loop(tested: Server, run: Callable[[Awaitable[Any]], Any]) -> None:
    async def main() -> None:
        async with tested.async_client() as client:
            async with client.stream("GET", "/pieces/2000") as answer:
                assert answer.status == 200 and answer.headers["content-type"]
                assert sum([len(part) async for part in answer]) == 20_000_000
            async with client.stream("POST", "/flow", content=(b"a" * 50_000 for _ in range(400))) as answer:
                assert await answer.read() == b"A" * 20_000_000
            async with client.stream("GET", "/pieces/2000") as answer:
                async for part in answer:
                    assert part[:1] == b"x"
                    break
            assert (await client.get("/hi/again")).text == "hi, again"

    run(main())


@pytest.mark.parametrize("wire", ["2", "3"])
def test_streams_side_by_side(server: tuple[str, bytes], wire: str) -> None:
    url, certificate = server
    tested = Server(url, ClientTls(roots=certificate), wire)

    async def main() -> None:
        async with (
            tested.async_client() as client,
            client.stream("GET", "/pieces/2000") as slow,
        ):
            # What nobody reads is not collected here: the other stream is not held up, and this one waits at the server.
            assert len((await client.get("/pieces/100")).body) == 1_000_000
            assert len(slow._exchange.parts) < 1000
            assert sum([len(part) async for part in slow]) == 20_000_000

    asyncio.run(main())


def test_a_client_that_is_late(tested: Server, run: Callable[[Awaitable[Any]], Any]) -> None:
    with tested.client() as client:
        with pytest.raises(TimeoutError):
            client.get("/never", timeout=0.1)
        with pytest.raises(TimeoutError), client.stream("GET", "/never", timeout=0.1):
            pass
        assert client.get("/hi/again").text == "hi, again"

    async def main() -> None:
        async with tested.async_client() as client:
            with pytest.raises(TimeoutError):
                await client.get("/never", timeout=0.1)
            with pytest.raises((TimeoutError, asyncio.TimeoutError)):
                await asyncio.wait_for(client.get("/never"), 0.1)
            assert (await client.get("/hi/again")).text == "hi, again"
            task = asyncio.create_task(client.get("/never"))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            waiting = asyncio.create_task(client.get("/never"))
            await asyncio.sleep(0.05)
        with pytest.raises(ClientError, match="closed"):
            await waiting

    run(main())


def test_an_answer_that_is_cut(tested: Server, run: Callable[[Awaitable[Any]], Any]) -> None:
    with tested.client() as client:
        with pytest.raises(RequestFailed) as failed:
            client.get("/cut")
        assert not failed.value.refused
        with client.stream("GET", "/cut") as answer, pytest.raises(RequestFailed):
            assert answer.status == 200
            answer.read()
        assert client.get("/hi/again").text == "hi, again"

    async def main() -> None:
        async with tested.async_client() as client:
            with pytest.raises(RequestFailed):
                await client.get("/cut")
            assert (await client.get("/hi/again")).text == "hi, again"

    run(main())


def test_a_server_that_does_not_want_the_content(tested: Server, run: Callable[[Awaitable[Any]], Any]) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 100_000

    with tested.client() as client:
        assert client.post("/refuse", content=endless()).status == 403

    async def main() -> None:
        async with tested.async_client() as client:
            assert (await client.post("/refuse", content=endless())).status == 403

    run(main())


def test_content_that_fails(tested: Server, run: Callable[[Awaitable[Any]], Any]) -> None:
    def failing() -> Iterator[bytes]:
        yield b"x"
        raise KeyError("in the middle")

    closed = []

    async def failing_later() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            raise KeyError("in the middle")
        finally:
            closed.append(True)

    with tested.client() as client:
        with pytest.raises(KeyError):
            client.post("/echo", content=failing())
        with pytest.raises(TypeError):
            client.post("/echo", content=iter([7]))  # type: ignore[arg-type]
        assert client.get("/hi/again").text == "hi, again"

    async def main() -> None:
        async with tested.async_client() as client:
            for content in (failing(), failing_later()):
                with pytest.raises(KeyError):
                    await client.post("/echo", content=content)
            assert closed == [True]
            assert (await client.get("/hi/again")).text == "hi, again"

    run(main())


def test_content_has_a_limit(tested: Server, run: Callable[[Awaitable[Any]], Any]) -> None:
    with tested.client(max_content=1_000_000) as client:
        with pytest.raises(ClientError, match="max_content"):
            client.get("/pieces/200")
        with client.stream("GET", "/pieces/200") as answer, pytest.raises(ClientError, match="max_content"):
            answer.read()

    async def main() -> None:
        async with tested.async_client(max_content=1_000_000) as client:
            with pytest.raises(ClientError, match="max_content"):
                await client.get("/pieces/200")

    run(main())


def test_misuse(tested: Server) -> None:
    for origin in ("localhost", "ftp://a", "https://", "https://a/path", "https://a?b", "https://u:p@a", "http://a:x"):
        with pytest.raises(ValueError):
            Client(origin)
    with pytest.raises(ValueError, match="not encrypted"):
        Client("http://localhost", tls=ClientTls())
    with pytest.raises(ValueError, match="nowhere"):
        Client("https://a", tls=ClientTls(roots="/nowhere.pem"))
    with pytest.raises(ValueError, match="roots"):
        Client("https://a", tls=ClientTls(roots="a.pem", insecure_any_certificate=True))
    with pytest.raises(ValueError, match="key"):
        Client("https://a", tls=ClientTls(key="a.pem"))
    with pytest.raises(ValueError, match="timeout"):
        Client("https://a", connect_timeout=-1)
    with tested.client() as client:
        for method, target, headers in (
            ("GET", "no-slash", {}),
            ("GET", "/a b", {}),
            ("G T", "/", {}),
            ("GET", "/", {"a b": "c"}),
            ("GET", "/", {"a": "b\r\nc"}),
        ):
            with pytest.raises(ValueError):
                client.request(method, target, headers=headers)
        with pytest.raises(ValueError, match="either"):
            client.post("/echo", content=b"a", json=1)
        with pytest.raises(TypeError):
            client.post("/echo", content=7)  # type: ignore[arg-type]
        with pytest.raises(ValueError):
            client.post("/echo", content=b"abc", headers={"content-length": "7"})
        with client.stream("GET", "/pieces/2000"):
            if tested.wire != "1.1":
                assert client.get("/hi/x").status == 200
            else:
                with pytest.raises(ClientError, match="under way"):
                    client.get("/hi/x")


def test_whom_a_client_believes(server: tuple[str, bytes]) -> None:
    url, certificate = server
    port = url.rsplit(":", 1)[1]
    with pytest.raises(ConnectError) as failed, Client(url) as client:
        client.get("/hi/x")
    assert failed.value.phase == "tls" and failed.value.target == f"localhost:{port}"
    with pytest.raises(ConnectError), Client(f"https://127.0.0.1:{port}", tls=ClientTls(roots=certificate)) as client:
        client.get("/hi/x")
    for tls in (ClientTls(insecure_any_certificate=True), ClientTls(roots=[certificate], server_name="localhost", min_version="TLSv1.3")):
        with Client(f"https://127.0.0.1:{port}", tls=tls) as client:
            assert client.get("/hi/x").status == 200


def test_a_certificate_of_the_client(tmp_path: Path) -> None:
    own = App()
    own.get("/")(lambda request: str(request.tls is not None and request.tls.peer_certificate is not None))
    other = flare.Tls.self_signed("client")
    assert isinstance(other.certificate, bytes)
    (tmp_path / "clients.pem").write_bytes(other.certificate)
    with over_tls(own, client_roots=tmp_path / "clients.pem", client_auth="optional") as (server, certificate):
        url = f"https://localhost:{server.address.rsplit(':', 1)[1]}"
        for tls, answer in (
            (ClientTls(roots=certificate), "False"),
            (ClientTls(roots=certificate, certificate=other.certificate, key=other.key), "True"),
        ):
            with Client(url, tls=tls) as client:
                assert client.get("/").text == answer


def test_who_is_not_there(run: Callable[[Awaitable[Any]], Any]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ConnectError, match="refused") as failed:
            client.get("/")
        assert failed.value.phase == "connect"
        with Client("http://name.invalid") as client, pytest.raises(ConnectError) as failed:
            client.get("/")
        assert failed.value.phase == "resolve"

        async def main() -> None:
            async with AsyncClient(f"http://127.0.0.1:{port}") as client:
                with pytest.raises(ConnectError, match="refused"):
                    await client.get("/")

        run(main())


def test_a_server_that_says_nothing(run: Callable[[Awaitable[Any]], Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}"
        with Client(url, connect_timeout=0.1) as client, pytest.raises(TimeoutError) as failed:
            client.get("/")
        assert isinstance(failed.value, ConnectError) and failed.value.phase == "tls"

        async def main() -> None:
            async with AsyncClient(url, connect_timeout=0.1) as client:
                with pytest.raises(TimeoutError):
                    await client.get("/")
            async with AsyncClient(url) as client:
                task = asyncio.create_task(client.get("/"))
                await asyncio.sleep(0.05)
            with pytest.raises((ClientError, asyncio.CancelledError)):
                await task

        run(main())


def test_over_a_unix_socket_and_without_tls() -> None:
    own = App()
    own.get("/")(lambda request: f"{request.version} {request.authority}")
    with own.test_client() as served:
        for http2, version in ((None, "1.1"), (True, "2")):
            with Client(f"unix:{served.path}", http2=http2) as client:
                assert client.get("/").text == f"{version} localhost"


def test_a_server_of_the_standard_library() -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # HTTP/1.0: the end of the connection is the end of the content.
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 100_000)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            with Client(f"http://127.0.0.1:{served.server_port}", timeout=PATIENCE) as client:
                for _ in range(3):
                    answer = client.get("/")
                    assert (answer.version, len(answer.body)) == ("1.0", 100_000)
        finally:
            served.shutdown()
            thread.join()


def test_a_server_of_aiohttp(run: Callable[[Awaitable[Any]], Any]) -> None:
    async def echo(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        answer = aiohttp.web.StreamResponse()
        await answer.prepare(request)
        async for chunk in request.content.iter_any():
            await answer.write(chunk)
        return answer

    async def main() -> None:
        web = aiohttp.web.Application()
        web.router.add_post("/echo", echo)
        runner = aiohttp.web.AppRunner(web, keepalive_timeout=0.2)
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        async with AsyncClient(f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            for _ in range(2):
                answer = await client.post("/echo", content=(b"x" * 10_000 for _ in range(300)))
                assert answer.body == b"x" * 3_000_000
            # The server ends a connection that is idle; the next request has a new one.
            assert client._wire is not None
            end = time.monotonic() + PATIENCE
            while not client._wire.over:
                assert time.monotonic() < end
                await asyncio.sleep(0.01)
            assert (await client.post("/echo", content=b"again")).body == b"again"
        await runner.cleanup()

    run(main())


def test_ctrl_c_ends_a_wait() -> None:
    program = """
import _thread, signal, socket, threading, flare
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests may ignore it
with socket.create_server(("127.0.0.1", 0)) as silent:
    threading.Timer(0.3, _thread.interrupt_main).start()
    try:
        flare.Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=60).get("/")
    except KeyboardInterrupt:
        print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout == "interrupted\n"


def test_many_requests_leave_nothing_behind(tested: Server) -> None:
    links: weakref.WeakSet[Any] = weakref.WeakSet()

    def resident() -> int:
        gc.collect()
        with open("/proc/self/statm") as numbers:
            return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async def many(count: int) -> None:
        async with tested.async_client() as client:
            for _ in range(count // 50):
                await asyncio.gather(*(client.get("/hi/ada") for _ in range(50)))
            links.add(client._wire.link)
            async with client.stream("GET", "/pieces/2000"):
                pass

    def connections(count: int) -> None:
        for _ in range(count):
            with tested.client() as client:
                client.get("/hi/ada")

    asyncio.run(many(1000))
    connections(20)
    before = resident()
    asyncio.run(many(3000))
    connections(100)
    assert resident() - before < 6 << 20
    gc.collect()
    assert not links
