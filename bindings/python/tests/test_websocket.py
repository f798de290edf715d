"""WebSockets of a server, with the clients of others."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import struct
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
import uvloop
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import flare
from conftest import PATIENCE, Running
from flare import App, Request, Response, WebSocket, WebSocketClosed
from flare.middleware import RequestId

Serve = Callable[[App], Running]


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    """Each loop that tasks run in."""
    return str(request.param)


def open_socket(running: Running, path: str, **options: Any) -> ClientConnection:
    return connect(f"ws://{running.address}{path}", open_timeout=PATIENCE, close_timeout=PATIENCE, **options)


def reset(raw: socket.socket) -> None:
    """Leaves without goodbye, so that the other side sees it at once."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def close_of(client: ClientConnection) -> tuple[int | None, str | None]:
    """Waits for the end of a socket."""
    with pytest.raises(ConnectionClosed):
        while True:
            client.recv(PATIENCE)
    return client.close_code, client.close_reason


class Ended:
    """How a handler ended, for the thread of the test."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._how: object = None

    def tell(self, how: object) -> None:
        self._how = how
        self._event.set()

    def wait(self) -> object:
        assert self._event.wait(PATIENCE)
        return self._how


OFFER = (
    b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def rest_of(raw: socket.socket) -> bytes:
    """All that comes behind the head of the answer."""
    received = b""
    while chunk := raw.recv(65536):
        received += chunk
    return received.partition(b"\r\n\r\n")[2]


def echoing(**options: Any) -> App:
    app = App()

    @app.ws("/echo", **options)
    async def echo(ws: WebSocket) -> None:
        async for message in ws:
            await ws.send(message)

    return app


def test_messages_of_both_kinds_come_back(serve: Serve) -> None:
    with serve(echoing()) as running, open_socket(running, "/echo", max_size=None) as client:
        for message in ("", "hällo", b"", b"\0\xff", "x" * 1_000_000, b"y" * 1_000_000):
            client.send(message)
            assert client.recv(PATIENCE) == message


def test_compressed_messages_are_understood(serve: Serve) -> None:
    for takeover in (False, True):
        with serve(echoing(deflate=True, deflate_takeover=takeover)) as running, open_socket(running, "/echo") as client:
            assert "permessage-deflate" in client.response.headers["sec-websocket-extensions"]
            for _ in range(3):
                client.send("the same words again " * 100)
                assert client.recv(PATIENCE) == "the same words again " * 100


def test_what_a_handler_sees(serve: Serve) -> None:
    app, inner = App(), App()
    app.mount("/rooms", inner)

    @inner.ws("/:room", protocols=["v2", "v1"], middleware=[RequestId()])
    async def room(ws: WebSocket) -> None:
        request = ws.request
        assert request is ws.request and ws.is_open and ws.close_code is None and ws.close_reason == ""
        assert request.id is not None and request.client is not None
        with pytest.raises(RuntimeError, match="not answered"):
            request.defer()
        await ws.send(f"{request.params['room']} {request.query_params['name']} {request.cookies['id']} {ws.subprotocol}")
        assert repr(ws) == "<flare.WebSocket /rooms/kitchen open>"

    with serve(app) as running:
        headers = {"cookie": "id=7"}
        with open_socket(running, "/rooms/kitchen?name=ada", subprotocols=["v1", "v0"], additional_headers=headers) as client:
            assert client.subprotocol == "v1"
            assert client.recv(PATIENCE) == "kitchen ada 7 v1"
            assert close_of(client) == (1000, "")


def test_the_end_by_the_client_ends_the_iteration(serve: Serve) -> None:
    app, ended = App(), Ended()

    @app.ws("/")
    async def handler(ws: WebSocket) -> None:
        messages = [message async for message in ws]
        with pytest.raises(WebSocketClosed) as raised:
            await ws.send("too late")
        with pytest.raises(WebSocketClosed, match="4001"):
            await ws.receive()
        await ws.close()
        assert not ws.begin_close() and not ws.is_open
        ended.tell((messages, ws.close_code, ws.close_reason, raised.value.code, raised.value.reason))

    with serve(app) as running, open_socket(running, "/") as client:
        client.send("one")
        client.send(b"two")
        client.close(4001, "enough")
        assert ended.wait() == (["one", b"two"], 4001, "enough", 4001, "enough")


def test_replies_to_what_was_said_before_a_goodbye_are_sent(serve: Serve) -> None:
    app = echoing()

    @app.ws("/class")
    class Echo:
        def message(self, ws: WebSocket, message: str | bytes) -> None:
            assert ws.try_send(message)

    @app.ws("/later")
    async def later(ws: WebSocket) -> None:
        async for message in ws:
            await asyncio.sleep(0.01)
            await ws.send(message)

    @app.ws("/stuck")
    async def stuck(ws: WebSocket) -> None:
        await ws.receive()
        await ws.wait_closed()

    with serve(app) as running:
        for path in ("/echo", "/class", "/later"):
            with running.connect() as raw:
                raw.sendall(OFFER % path.encode() + b"\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b\x88\x82\0\0\0\0\x03\xe8")
                assert rest_of(raw) == b"\x81\x01a\x81\x01b\x88\x02\x03\xe8"
        # A handler that never comes back for more does not hold the goodbye up for long.
        with running.connect() as raw:
            raw.sendall(OFFER % b"/stuck" + b"\x81\x81\0\0\0\0a\x88\x82\0\0\0\0\x03\xe8")
            assert rest_of(raw) == b"\x88\x02\x03\xe8"


def test_the_server_closes(serve: Serve) -> None:
    app, ended = App(), Ended()

    @app.ws("/")
    async def handler(ws: WebSocket) -> None:
        with pytest.raises(ValueError):
            await ws.close(1005)
        with pytest.raises(ValueError):
            await ws.close(1000, "x" * 124)
        await ws.send("last")
        await ws.close(4000, "bye")
        ended.tell((ws.close_code, ws.close_reason))

    with serve(app) as running, open_socket(running, "/") as client:
        assert client.recv(PATIENCE) == "last"
        assert close_of(client) == (4000, "bye")
        assert ended.wait() == (4000, "bye")


def test_an_exception_is_logged_and_closes_with_1011(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.ws("/")
    async def handler(ws: WebSocket) -> None:
        raise KeyError("a secret")

    with serve(app) as running, open_socket(running, "/") as client:
        assert close_of(client) == (1011, "")
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.name == "flare" and record.exc_info is not None and record.exc_info[0] is KeyError


def test_a_handler_that_does_not_read_is_cancelled_when_the_client_is_gone(serve: Serve) -> None:
    app, ended = App(), Ended()

    @app.ws("/")
    async def handler(ws: WebSocket) -> None:
        try:
            await ws.send("ready")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.tell("cancelled")
            raise

    with serve(app) as running:
        with open_socket(running, "/") as client:
            assert client.recv(PATIENCE) == "ready"
            client.close()
            assert ended.wait() == "cancelled"
        ended = Ended()
        raw = running.connect()
        raw.sendall(OFFER % b"/")
        while not raw.recv(65536).endswith(b"ready"):
            pass
        reset(raw)
        assert ended.wait() == "cancelled"


def test_a_handler_that_reads_may_finish_what_it_began(serve: Serve) -> None:
    app, ended, gone = App(), Ended(), threading.Event()

    @app.ws("/", close_timeout=0.2)
    async def handler(ws: WebSocket) -> None:
        first = await ws.receive()
        await ws.wait_closed()
        second = await ws.receive()
        ended.tell((first, second))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            gone.set()
            raise

    with serve(app) as running:
        with open_socket(running, "/") as client:
            client.send("one")
            client.send("two")
        assert ended.wait() == ("one", "two")
        assert gone.wait(PATIENCE), "but not for ever"


def test_a_client_that_breaks_the_rules(serve: Serve) -> None:
    app, ended = App(), Ended()

    @app.ws("/", message_limit=1000)
    async def handler(ws: WebSocket) -> None:
        async for _ in ws:
            pass
        ended.tell(ws.close_code)

    with serve(app) as running, open_socket(running, "/") as client:
        client.send("x" * 1001)
        assert close_of(client)[0] == 1009
        assert ended.wait() == 1009


def test_a_slow_client_holds_the_sender_up(serve: Serve) -> None:
    app, stats = App(), {"sent": 0}
    full, ended = threading.Event(), Ended()

    @app.ws("/")
    async def handler(ws: WebSocket) -> None:
        message = b"x" * 50_000
        while ws.try_send(message):
            stats["sent"] += 1
        stats["at once"] = stats["sent"]
        full.set()
        for _ in range(50):
            await ws.send(message)
            stats["sent"] += 1
        ended.tell(stats["sent"])

    with serve(app) as running, socket.create_connection(running.connect().getpeername()) as raw:
        raw.settimeout(PATIENCE)
        raw.sendall(OFFER % b"/")
        assert full.wait(PATIENCE)
        taken = stats["at once"]
        received = b""
        while len(received) < (taken + 50) * 50_000:
            received += raw.recv(1 << 20)
        assert ended.wait() == taken + 50


def test_a_slow_handler_holds_the_client_up(serve: Serve) -> None:
    app, ended = App(), Ended()
    go = threading.Event()

    @app.ws("/")
    async def handler(ws: WebSocket) -> None:
        await asyncio.get_running_loop().run_in_executor(None, go.wait)
        ended.tell(sum([len(message) async for message in ws]))

    with serve(app) as running, open_socket(running, "/") as client:
        sent = 0
        client.socket.settimeout(0.5)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        message = struct.pack("!BBHI", 0x82, 0x80 | 126, 10_000, 0) + bytes(10_000)
        waiting = memoryview(message)
        with pytest.raises(TimeoutError):
            while True:
                count = client.socket.send(waiting)
                sent += count
                waiting = waiting[count:] or memoryview(message)
                assert sent < 64 << 20, "nobody reads, and all is taken"
        go.set()
        client.socket.settimeout(PATIENCE)
        client.socket.sendall(waiting)
        whole = (sent + len(waiting)) // len(message)
        client.socket.sendall(struct.pack("!BBI", 0x88, 0x80, 0))
        assert ended.wait() == whole * 10_000


def test_who_may_open_a_socket(serve: Serve) -> None:
    app = App()

    def accept(request: Request) -> object:
        request.state["name"] = name = request.query_params.get("name")
        if name is None:
            return 403
        if name == "json":
            return Response.json({"error": "no"}, 401)
        if name == "boom":
            raise ValueError("boom")
        return None

    @app.ws("/", accept=accept, origins=["https://good.example"])
    async def handler(ws: WebSocket) -> None:
        await ws.send(str(ws.request.state["name"]))

    with serve(app) as running:
        for query, status, body in (("", 403, b""), ("?name=json", 401, b'{"error":"no"}'), ("?name=boom", 500, b"")):
            with pytest.raises(InvalidStatus) as refused:
                open_socket(running, f"/{query}")
            assert refused.value.response.status_code == status and body in (refused.value.response.body or b"")
        with pytest.raises(InvalidStatus) as refused:
            open_socket(running, "/?name=ada", origin="https://evil.example")
        assert refused.value.response.status_code == 403
        with open_socket(running, "/?name=ada", origin="https://good.example") as client:
            assert client.recv(PATIENCE) == "ada"
        assert httpx.get(f"{running.url}/?name=ada").status_code == 426


def test_something_else_at_the_same_place(serve: Serve) -> None:
    app = App()

    async def page(request: Request) -> str:
        return "a page"

    @app.middleware
    async def mark(request: Request, call: Callable[[Request], Any]) -> Response:
        response: Response = await call(request)
        response.headers["x-mark"] = "1"
        return response

    @app.ws("/", otherwise=page)
    async def handler(ws: WebSocket) -> None:
        await ws.send("a socket")

    with serve(app) as running:
        answer = httpx.get(running.url)
        assert (answer.text, answer.headers["x-mark"]) == ("a page", "1")
        with open_socket(running, "/") as client:
            assert client.recv(PATIENCE) == "a socket"


@pytest.mark.parametrize("kind", ["none", "asyncio", "uvloop"])
def test_a_class_is_told_what_happens(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    app, told, ended = App(), [], Ended()

    @app.ws("/")
    class Teller:
        def open(self, ws: WebSocket) -> None:
            self.count = 0
            told.append("open")

        def message(self, ws: WebSocket, message: str | bytes) -> None:
            self.count += 1
            told.append(message)
            if message == "boom":
                raise ValueError("boom")
            if message == "close":
                assert ws.begin_close(4000, "as you like")
            elif message == "flood":
                while ws.try_send(b"x" * 50_000):
                    told.append("sent")
                told.append("full")
            else:
                ws.try_send(f"{self.count}: {message!r}")

        def writable(self, ws: WebSocket) -> None:
            told.append("writable")
            assert ws.try_send("done")

        def close(self, ws: WebSocket, code: int, reason: str) -> None:
            ended.tell((code, reason))

    with Running(app, kind) as running:
        with open_socket(running, "/") as client:
            client.send("one")
            client.send(b"two")
            assert [client.recv(PATIENCE), client.recv(PATIENCE)] == ["1: 'one'", "2: b'two'"]
            client.send("flood")
            while client.recv(PATIENCE) != "done":
                pass
            assert told.count("full") == told.count("writable") == 1
            client.send("close")
            assert close_of(client) == (4000, "as you like")
            assert ended.wait() == (4000, "as you like")
        ended = Ended()
        with open_socket(running, "/") as client:
            client.send("boom")
            # The socket may be closed before it.
            with suppress(ConnectionClosed):
                client.send("never seen")
            assert close_of(client) == (1011, "")
            assert ended.wait() == (1011, "")
        assert told[-1] == "boom"
    assert any(record.exc_info and record.exc_info[0] is ValueError for record in caplog.records)


def test_topics(serve: Serve) -> None:
    app = App()

    @app.ws("/:topic")
    async def handler(ws: WebSocket) -> None:
        topic = ws.request.params["topic"]
        ws.subscribe(topic)
        await ws.send("ready")
        async for message in ws:
            if message == "leave":
                ws.unsubscribe(topic)
            else:
                assert ws.publish(topic, message)
        assert ws.missed == 0

    with serve(app) as running, open_socket(running, "/a") as one, open_socket(running, "/a") as two, open_socket(running, "/b") as three:
        for client in (one, two, three):
            assert client.recv(PATIENCE) == "ready"
        one.send("to a")
        assert [one.recv(PATIENCE), two.recv(PATIENCE)] == ["to a", "to a"]
        assert running.server.publish("b", b"to b")
        assert three.recv(PATIENCE) == b"to b"
        two.send("leave")
        two.ping().wait(PATIENCE)
        one.send("again")
        assert one.recv(PATIENCE) == "again"
        with pytest.raises(TimeoutError):
            two.recv(0.2)
    with pytest.raises(TypeError):
        running.server.publish("b", 7)  # type: ignore[arg-type]


def test_misuse(serve: Serve) -> None:
    app, ended = App(), Ended()

    @app.ws("/")
    async def handler(ws: WebSocket) -> None:
        for wrong in (7, None, ["x"], {"a": 1}):
            with pytest.raises(TypeError, match="a message is str"):
                await ws.send(wrong)  # type: ignore[arg-type]
        with pytest.raises(UnicodeEncodeError):
            await ws.send("\ud800")
        with pytest.raises(ValueError):
            await ws.ping(b"x" * 126)
        with pytest.raises((TimeoutError, asyncio.TimeoutError)):
            await asyncio.wait_for(ws.receive(), 0.05)
        reader = asyncio.create_task(ws.receive())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await ws.receive()

        def elsewhere() -> None:
            assert ws.try_send("from a thread")
            with pytest.raises(RuntimeError, match="another loop"):
                asyncio.run(ws.receive())

        await asyncio.to_thread(elsewhere)
        await ws.send(bytearray(b"one"))
        await ws.send(memoryview(b"two"))
        await ws.ping(b"three")
        ended.tell(await reader)

    with serve(app) as running, open_socket(running, "/") as client:
        assert [client.recv(PATIENCE) for _ in range(3)] == ["from a thread", b"one", b"two"]
        client.send("end")
        assert ended.wait() == "end"
        assert close_of(client) == (1000, "")


def test_what_can_be_wrong_with_a_route() -> None:
    app = App()

    async def good(ws: WebSocket) -> None: ...
    def plain(ws: WebSocket) -> None: ...
    async def decide(request: Request) -> None: ...

    class Empty: ...

    class Waits:
        async def message(self, ws: WebSocket, message: str) -> None: ...

    for wrong, text in ((plain, "make it async def"), (Empty, "has none of"), (Waits, "is async def"), (7, "no function")):
        with pytest.raises(TypeError, match=text):
            app.ws("/")(wrong)  # type: ignore[type-var]
    for options, text in (
        ({"origins": "https://a"}, "origins"),
        ({"origins": ["a,b"]}, "comma"),
        ({"ping_interval": 0.0}, "ping_interval"),
        ({"message_limit": 0}, "message_limit"),
    ):
        with pytest.raises(ValueError, match=text):
            app.ws("/", **options)(good)  # type: ignore[arg-type]
    for options, text in (
        ({"protocols": "v1"}, "protocols"),
        ({"accept": decide}, "async def"),
        ({"accept": 7}, "no function"),
        ({"middleware": [plain]}, "flare.middleware"),
    ):
        with pytest.raises(TypeError, match=text):
            app.ws("/", **options)(good)  # type: ignore[arg-type]
    app.ws("/")(good)
    with pytest.raises(ValueError, match="same shape"):
        app.get("/")(lambda request: "")
    with pytest.raises(TypeError, match="serving"):
        app.host("127.0.0.1", 0)


def test_a_drain_says_goodbye(serve: Serve) -> None:
    with serve(echoing()) as running, open_socket(running, "/echo") as client:
        client.send("x")
        assert client.recv(PATIENCE) == "x"
        running.server.drain(PATIENCE)
        assert close_of(client) == (1001, "")
    assert running.report is not None and running.report.aborted == 0


def test_many_sockets_leave_nothing_behind(serve: Serve) -> None:
    app, kept = App(), weakref.WeakSet[WebSocket]()

    @app.ws("/")
    async def handler(ws: WebSocket) -> None:
        kept.add(ws)
        ws.state["self"] = ws
        async for message in ws:
            await ws.send(message)

    async def round_trip(url: str) -> None:
        async with connect_async(url, compression=None, ping_interval=None) as client:
            await client.send(b"x" * 10_000)
            assert len(await client.recv()) == 10_000

    async def many(url: str, count: int) -> None:
        for _ in range(count // 50):
            await asyncio.gather(*(round_trip(url) for _ in range(50)))

    def resident() -> int:
        gc.collect()
        with open("/proc/self/statm") as numbers:
            return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with serve(app) as running:
        url = f"ws://{running.address}/"
        asyncio.run(many(url, 500))
        before = resident()
        asyncio.run(many(url, 2000))
        assert resident() - before < 4 << 20
    gc.collect()
    assert not kept


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_in_a_running_loop(run: Callable[..., Any]) -> None:
    app = echoing()

    async def main() -> None:
        async with app.serving("127.0.0.1", 0) as server, connect_async(f"ws://{server.address}/echo") as client:
            await client.send("hello")
            assert await client.recv() == "hello"

    run(main())


def test_over_tls_and_http2() -> None:
    """The same handler behind extended CONNECT (RFC 8441)."""
    import ssl

    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.events import DataReceived, RemoteSettingsChanged, ResponseReceived

    app, tls = echoing(), flare.Tls.self_signed("localhost")
    context = ssl.create_default_context(cadata=tls.certificate.decode())  # type: ignore[union-attr]
    context.set_alpn_protocols(["h2"])
    up = threading.Event()
    servers: list[flare.HostServer] = []

    def started(server: flare.HostServer) -> None:
        servers.append(server)
        up.set()

    thread = threading.Thread(target=lambda: app.run("127.0.0.1:0", tls=tls, started=started))
    thread.start()
    assert up.wait(PATIENCE)
    host, port = servers[0].address.rsplit(":", 1)
    plain = socket.create_connection((host, int(port)), timeout=PATIENCE)
    with context.wrap_socket(plain, server_hostname="localhost") as stream:
        h2 = H2Connection(H2Configuration(client_side=True, validate_outbound_headers=False))
        h2.initiate_connection()
        stream.sendall(h2.data_to_send())
        answered, received = False, b""
        while received != b"\x81\x05hello":
            for event in h2.receive_data(stream.recv(65536)):
                if isinstance(event, RemoteSettingsChanged):
                    h2.send_headers(
                        1,
                        [
                            (":method", "CONNECT"),
                            (":protocol", "websocket"),
                            (":scheme", "https"),
                            (":path", "/echo"),
                            (":authority", "localhost"),
                            ("sec-websocket-version", "13"),
                        ],
                    )
                elif isinstance(event, ResponseReceived):
                    answered = dict(event.headers)[b":status"] == b"200"
                    h2.send_data(1, b"\x81\x85\0\0\0\0hello")
                elif isinstance(event, DataReceived):
                    received += event.data
            stream.sendall(h2.data_to_send())
        assert answered
    servers[0].drain(1)
    thread.join(PATIENCE)
    assert not thread.is_alive()
