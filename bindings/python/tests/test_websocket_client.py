"""WebSockets to others, against the servers of others and our own."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.sync.server import ServerConnection as BlockingConnection
from websockets.sync.server import serve as serve_blocking

import flare
from conftest import PATIENCE, over_tls
from flare import (
    App,
    ClientTls,
    ConnectError,
    Request,
    Response,
    WebSocket,
    WebSocketClosed,
    WebSocketRefused,
)


@pytest.fixture(params=[asyncio.run, uvloop.run])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[Any]], Any]:
    """Each loop."""
    running: Callable[[Awaitable[Any]], Any] = request.param
    return running


def app() -> App:
    app = App()

    @app.ws("/echo", protocols=["v2", "v1"], deflate=True, message_limit=16 << 20)
    async def echo(ws: WebSocket) -> None:
        async for message in ws:
            await ws.send(message)

    @app.ws("/close")
    async def close(ws: WebSocket) -> None:
        await ws.send("last")
        await ws.close(4000, "bye")

    @app.ws("/flood")
    async def flood(ws: WebSocket) -> None:
        for number in range(2000):
            await ws.send(b"%06d" % number + b"x" * 10_000)

    def refuse(request: Request) -> object:
        if request.headers.get("authorization") != "secret":
            return Response.json({"error": "no"}, 401)
        return None

    @app.ws("/secret", accept=refuse)
    async def secret(ws: WebSocket) -> None:
        await ws.send("in")

    return app


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, ClientTls]]:
    with over_tls(app()) as (server, certificate):
        yield f"wss://localhost:{server.address.rsplit(':', 1)[1]}", ClientTls(roots=certificate)


@pytest.fixture(params=["1.1", "2"])
def tested(request: pytest.FixtureRequest, server: tuple[str, ClientTls]) -> tuple[str, dict[str, Any]]:
    """Our own server, on each wire."""
    url, tls = server
    return url, {"tls": tls, "http2": request.param == "2"}


def test_in_a_loop(tested: tuple[str, dict[str, Any]], run: Callable[[Awaitable[Any]], Any]) -> None:
    url, options = tested

    async def main() -> None:
        async with flare.websocket(f"{url}/echo", protocols=["v1"], **options) as ws:
            assert ws.subprotocol == "v1" and ws.is_open and ws.http_version == ("2" if options["http2"] else "1.1")
            assert ws.headers.get("sec-websocket-protocol") == "v1" and ws.close_code is None
            for message in ("", "hällo", b"\0\xff", "x" * 1_000_000, b"y" * 1_000_000):
                await ws.send(message)
                assert await ws.receive() == message
            await ws.ping(b"there")
        assert (ws.close_code, ws.close_reason, ws.was_clean, ws.is_open) == (1000, "", True, False)
        with pytest.raises(WebSocketClosed):
            await ws.send("late")

        ws = await flare.websocket(f"{url}/close", **options)
        assert [message async for message in ws] == ["last"]
        assert (ws.close_code, ws.close_reason) == (4000, "bye")
        with pytest.raises(WebSocketClosed) as closed:
            await ws.receive()
        assert (closed.value.code, closed.value.reason) == (4000, "bye")

    run(main())


def test_in_a_thread(tested: tuple[str, dict[str, Any]]) -> None:
    url, options = tested
    with flare.websocket(f"{url}/echo", protocols=["v1"], deflate=True, **options) as ws:
        assert ws.subprotocol == "v1" and ws.is_open and ws.http_version == ("2" if options["http2"] else "1.1")
        for message in ("", "hällo", b"\0\xff", "x" * 1_000_000, b"y" * 1_000_000):
            ws.send(message)
            assert ws.receive(PATIENCE) == message
        assert ws.ping(b"there")
        with pytest.raises(TimeoutError):
            ws.receive(0.05)
    assert (ws.close_code, ws.close_reason, ws.was_clean, ws.is_open) == (1000, "", True, False)
    with pytest.raises(WebSocketClosed):
        ws.send("late")
    ws = flare.websocket(f"{url}/close", **options).open()
    assert list(ws) == ["last"] and (ws.close_code, ws.close_reason) == (4000, "bye")
    with pytest.raises(WebSocketClosed):
        ws.receive()


def test_a_reader_that_is_slow_loses_nothing(tested: tuple[str, dict[str, Any]], run: Callable[[Awaitable[Any]], Any]) -> None:
    url, options = tested

    async def main() -> None:
        async with flare.websocket(f"{url}/flood", **options) as ws:
            await asyncio.sleep(0.2)
            # What nobody reads is not collected here.
            assert len(ws._client._messages) < 100
            count = 0
            async for message in ws:
                assert isinstance(message, bytes) and message[:6] == b"%06d" % count
                count += 1
            assert count == 2000

    run(main())


def test_many_senders_and_a_server_that_is_slow(run: Callable[[Awaitable[Any]], Any]) -> None:
    go = asyncio.Event

    async def main() -> None:
        start = go()

        async def count(connection: ServerConnection) -> None:
            await start.wait()
            total = sum([len(message) async for message in connection])
            assert total == 4 * 100 * 20_000
            done.set()

        done = asyncio.Event()
        async with serve(count, "127.0.0.1", 0, max_queue=1) as served:
            port = next(iter(served.sockets)).getsockname()[1]
            async with flare.websocket(f"ws://127.0.0.1:{port}/") as ws:

                async def send() -> None:
                    for _ in range(100):
                        await ws.send(b"x" * 20_000)

                senders = [asyncio.create_task(send()) for _ in range(4)]
                await asyncio.sleep(0.1)
                assert not ws.try_send(b"x"), "nobody takes it"
                start.set()
                await asyncio.gather(*senders)
            await asyncio.wait_for(done.wait(), PATIENCE)

    run(main())


@asynccontextmanager
async def served_by_websockets(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, subprotocols=["v1"]) as served:  # type: ignore[list-item]
        yield f"ws://127.0.0.1:{next(iter(served.sockets)).getsockname()[1]}/"


def test_a_server_of_websockets(run: Callable[[Awaitable[Any]], Any]) -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            if message == "leave":
                connection.transport.abort()
            elif message == "close":
                await connection.close(1001, "going")
            else:
                await connection.send(message)

    async def main() -> None:
        async with served_by_websockets(echo) as url:
            for deflate, takeover in ((False, False), (True, False), (True, True)):
                async with flare.websocket(url, protocols=["v0", "v1"], deflate=deflate, deflate_takeover=takeover) as ws:
                    assert ws.subprotocol == "v1"
                    for message in ("the same words again " * 1000, b"\0" * 100_000):
                        await ws.send(message)
                        assert await ws.receive() == message
                assert ws.close_code == 1000
            for word, code in (("leave", 1006), ("close", 1001)):
                async with flare.websocket(url, protocols=["v1"]) as ws:
                    await ws.send(word)
                    assert [message async for message in ws] == []
                    assert (ws.close_code, ws.was_clean) == (code, code != 1006)

    run(main())


def test_a_blocking_server_of_websockets() -> None:
    def echo(connection: BlockingConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve_blocking(echo, "127.0.0.1", 0) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            with flare.websocket(f"ws://127.0.0.1:{served.socket.getsockname()[1]}/") as ws:
                received: list[int] = []
                reader = threading.Thread(target=lambda: received.extend(len(message) for message in ws))
                reader.start()
                for _ in range(200):
                    ws.send(b"x" * 20_000)
                while len(received) < 200 and reader.is_alive():
                    reader.join(0.01)
                assert ws.begin_close()
                reader.join(PATIENCE)
            assert received == [20_000] * 200 and ws.close_code == 1000
        finally:
            served.shutdown()
            thread.join()


def test_opened_again_and_again(run: Callable[[Awaitable[Any]], Any]) -> None:
    async def once(connection: ServerConnection) -> None:
        await connection.send("hello")
        connection.transport.abort()

    async def main() -> None:
        async with served_by_websockets(once) as url:
            seen = []
            async for ws in flare.websocket(url, protocols=["v1"], attempts=3, attempt_wait=0.01):
                seen += [message async for message in ws]
                if len(seen) == 3:
                    break
            assert seen == ["hello"] * 3
        with pytest.raises(ConnectError):
            async for _ in flare.websocket(url, protocols=["v1"], attempts=3, attempt_wait=0.01):
                raise AssertionError("nobody is there")

    run(main())


def test_who_is_refused(tested: tuple[str, dict[str, Any]], run: Callable[[Awaitable[Any]], Any]) -> None:
    url, options = tested
    with pytest.raises(WebSocketRefused) as refused:
        flare.websocket(f"{url}/secret", **options).open()
    assert (refused.value.status, refused.value.body) == (401, b'{"error":"no"}')
    assert refused.value.headers["content-type"] == "application/json"
    with flare.websocket(f"{url}/secret", headers={"authorization": "secret"}, **options) as ws:
        assert ws.receive(PATIENCE) == "in"

    async def main() -> None:
        with pytest.raises(WebSocketRefused):
            await flare.websocket(f"{url}/nowhere", **options)
        async with flare.websocket(f"{url}/secret", headers=[("authorization", "secret")], **options) as ws:
            assert await ws.receive() == "in"

    run(main())
    with pytest.raises(ConnectError) as failed:
        flare.websocket(f"{url}/echo", http2=options["http2"]).open()
    assert failed.value.phase == "tls"


def test_a_server_that_says_nothing(run: Callable[[Awaitable[Any]], Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(TimeoutError):
            flare.websocket(url, open_timeout=0.1).open()

        async def main() -> None:
            with pytest.raises(TimeoutError):
                await flare.websocket(url, open_timeout=0.1)
            with pytest.raises((asyncio.TimeoutError, TimeoutError)):
                await asyncio.wait_for(flare.websocket(url)._open(False), 0.1)

        run(main())


def test_misuse() -> None:
    for url in ("", "localhost", "http://a", "ws://", "ws://a/#b", "ws://a b"):
        with pytest.raises(ValueError):
            flare.websocket(url).open()
    for options in (
        {"protocols": ["a,b"]},
        {"protocols": ["a b"]},
        {"headers": {"upgrade": "x"}},
        {"headers": {"a": "b\r\nc"}},
        {"ping_interval": 0.0},
        {"open_timeout": -1.0},
        {"attempts": 0},
        {"message_limit": 0},
    ):
        with pytest.raises(ValueError):
            flare.websocket("ws://localhost", **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        flare.websocket("ws://localhost", protocols="v1")
    own = app()
    with own.test_client() as served, served.websocket("/echo") as ws:
        for wrong in (7, None, ["x"]):
            with pytest.raises(TypeError, match="a message is str"):
                ws.send(wrong)  # type: ignore[arg-type]
        for code, reason in ((1005, ""), (1000, "x" * 124)):
            with pytest.raises(ValueError):
                ws.close(code, reason)
        with pytest.raises(ValueError):
            ws.ping(b"x" * 126)
        ws.send(memoryview(b"still open"))
        assert ws.receive(PATIENCE) == b"still open"


def test_a_task_that_is_cancelled(run: Callable[[Awaitable[Any]], Any]) -> None:
    async def main() -> None:
        own = app()
        async with own.serving("127.0.0.1", 0) as server:
            url = f"ws://{server.address}/echo"
            with pytest.raises((asyncio.TimeoutError, TimeoutError)):
                async with flare.websocket(url) as ws:
                    await asyncio.wait_for(ws.receive(), 0.05)
            assert ws.close_code == 1001
            async with flare.websocket(url) as ws:
                with pytest.raises((asyncio.TimeoutError, TimeoutError)):
                    await asyncio.wait_for(ws.receive(), 0.05)
                await ws.send("still open")
                assert await ws.receive() == "still open"
                reader = asyncio.create_task(ws.receive())
                await asyncio.sleep(0)
                with pytest.raises(RuntimeError, match="another task"):
                    await ws.receive()
                await ws.send("done")
                assert await reader == "done"

    run(main())


def test_ctrl_c_ends_a_wait() -> None:
    program = """
import _thread, signal, threading, flare
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests may ignore it
app = flare.App()
@app.ws("/")
async def quiet(ws):
    async for _ in ws: pass
with app.test_client() as served, flare.websocket("ws://a/", target=f"unix:{served.path}") as ws:
    threading.Timer(0.3, _thread.interrupt_main).start()
    try:
        ws.receive()
    except KeyboardInterrupt:
        print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout == "interrupted\n"


def test_many_sockets_leave_nothing_behind(tested: tuple[str, dict[str, Any]]) -> None:
    url, options = tested
    kept: weakref.WeakSet[Any] = weakref.WeakSet()

    def resident() -> int:
        gc.collect()
        with open("/proc/self/statm") as numbers:
            return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async def many(count: int) -> None:
        opener = flare.websocket(f"{url}/echo", **options)
        for _ in range(count):
            async with opener as ws:
                kept.add(ws)
                await ws.send(b"x" * 10_000)
                assert len(await ws.receive()) == 10_000

    asyncio.run(many(50))
    before = resident()
    asyncio.run(many(300))
    assert resident() - before < 6 << 20
    gc.collect()
    assert not kept
