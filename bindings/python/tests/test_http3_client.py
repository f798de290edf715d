"""The client over HTTP/3: with a server that is not ours, beside OpenSSL, and without any. `test_client.py` has the rest for all wires."""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent
from test_tls import Pair, make, port, running, trusting

from conftest import PATIENCE
from flare import App, AsyncClient, Client, ClientError, ClientTls, ConnectError, Request, RequestFailed, Settings


class Echo(QuicConnectionProtocol):
    """A server of aioquic that sends back what it gets, with an interim answer before it and trailers behind it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.http: H3Connection | None = None
        self.asked: dict[int, tuple[bytes, bytearray]] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        for came in self.http.handle_event(event) if self.http else ():
            if isinstance(came, HeadersReceived):
                self.asked.setdefault(came.stream_id, (dict(came.headers)[b":path"], bytearray()))
            elif isinstance(came, DataReceived):
                self.asked[came.stream_id][1].extend(came.data)
            if isinstance(came, HeadersReceived | DataReceived) and came.stream_ended:
                self.answer(came.stream_id, *self.asked.pop(came.stream_id))
        self.transmit()

    def answer(self, stream: int, path: bytes, content: bytearray) -> None:
        assert self.http
        if path == b"/reset":
            self._quic.reset_stream(stream, 0x10B)  # H3_REQUEST_REJECTED
            return
        if path == b"/leave":
            self._quic.close(error_code=0x100)
            return
        self.http.send_headers(stream, [(b":status", b"103"), (b"link", b"</style.css>")])
        self.http.send_headers(stream, [(b":status", b"200"), (b"x-path", path)])
        self.http.send_data(stream, bytes(content), end_stream=False)
        self.http.send_headers(stream, [(b"x-sum", b"%d" % len(content))], end_stream=True)


@dataclass
class Certificates:
    authority: Pair
    server: Pair


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority = make(folder, "authority")
    return Certificates(authority, make(folder, "server", authority))


@pytest.fixture(params=[asyncio.run, uvloop.run])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[Any]], Any]:
    """Each loop."""
    given: Callable[[Awaitable[Any]], Any] = request.param
    return given


@pytest.fixture
def foreign(certificates: Certificates) -> Iterator[str]:
    """The origin of a server of aioquic, in a thread of its own."""
    up, origins, ends = threading.Event(), [], []

    async def main() -> None:
        settings = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
        settings.load_cert_chain(str(certificates.server.certificate), str(certificates.server.key))
        server = await serve("127.0.0.1", 0, configuration=settings, create_protocol=Echo)
        origins.append(f"https://localhost:{server._transport.get_extra_info('sockname')[1]}")
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        ends.append(lambda: loop.call_soon_threadsafe(end.set))
        up.set()
        await end.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert up.wait(PATIENCE)
    yield origins[0]
    ends[0]()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def options(certificates: Certificates) -> dict[str, Any]:
    return {"http3": True, "tls": ClientTls(roots=certificates.authority.certificate), "timeout": PATIENCE}


def test_a_server_of_aioquic(foreign: str, certificates: Certificates) -> None:
    content = os.urandom(300_000)
    with Client(foreign, **options(certificates)) as client:
        answer = client.post("/echo?a=b", content=content)
        assert (answer.status, answer.version, answer.body) == (200, "3", content)
        assert (answer.headers["x-path"], answer.trailers["x-sum"]) == ("/echo?a=b", "300000")
        assert [(status, fields["link"]) for status, fields in answer.interim] == [(103, "</style.css>")]
        assert client.tls is not None and (client.tls.alpn, client.tls.version) == ("h3", "TLSv1.3")
        with pytest.raises(RequestFailed) as failed:
            client.get("/reset")
        assert failed.value.refused
        with pytest.raises(ClientError):
            client.get("/leave")
        # On another connection.
        assert client.post("/again", content=b"abc").body == b"abc"


def test_a_server_of_aioquic_in_a_loop(foreign: str, certificates: Certificates, run: Callable[[Awaitable[Any]], Any]) -> None:
    async def main() -> None:
        async with AsyncClient(foreign, **options(certificates)) as client:
            contents = [bytes([n]) * 10_000 for n in range(50)]
            answers = await asyncio.gather(*(client.post("/echo", content=content) for content in contents))
            assert [answer.body for answer in answers] == contents
            with pytest.raises(RequestFailed):
                await client.get("/reset")
            with pytest.raises(ClientError):
                await client.get("/leave")
            assert (await client.post("/again", content=b"abc")).body == b"abc"

    run(main())


def test_in_the_process_of_its_server_and_of_openssl(certificates: Certificates, run: Callable[[Awaitable[Any]], Any]) -> None:
    which: contextvars.ContextVar[int] = contextvars.ContextVar("which")
    made = App(Settings(http3=True, more={"quic_retry": "always"}))

    @made.get("/version")
    async def version(request: Request) -> str:
        await asyncio.sleep(0)
        return request.version

    async def main() -> None:
        async with made.serving("127.0.0.1:0", certificate=certificates.server.certificate, key=certificates.server.key) as server:
            where = f"https://localhost:{port(server)}"
            async with (
                AsyncClient(where, **options(certificates)) as ours,
                httpx.AsyncClient(base_url=where, verify=trusting(certificates.authority)) as theirs,
            ):

                async def ask(n: int) -> tuple[str, str, int]:
                    which.set(n)
                    got = await asyncio.gather(ours.get("/version"), theirs.get("/version"))
                    return got[0].text, got[1].text, which.get()

                assert await asyncio.gather(*(ask(n) for n in range(20))) == [("3", "1.1", n) for n in range(20)]
        assert ssl.OPENSSL_VERSION

    run(main())


def test_a_request_that_is_given_up_leaves_the_others(certificates: Certificates) -> None:
    made = App(Settings(http3=True))
    gone = threading.Event()

    @made.get("/never")
    async def never(request: Request) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            gone.set()
            raise

    @made.get("/soon")
    async def soon(request: Request) -> str:
        return "soon"

    async def main(origin: str) -> None:
        async with AsyncClient(origin, **options(certificates)) as client:
            task = asyncio.create_task(client.get("/never"))
            assert (await client.get("/soon")).text == "soon"
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(TimeoutError):
                await client.get("/never", timeout=0.05)
            wire = client._wire
            assert (await client.get("/soon")).text == "soon" and client._wire is wire

    with running("asyncio", made, certificate=certificates.server.certificate, key=certificates.server.key) as server:
        asyncio.run(main(f"https://localhost:{port(server)}"))
        assert gone.wait(PATIENCE)


def test_nobody_is_there(certificates: Certificates, run: Callable[[Awaitable[Any]], Any]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        origin = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with Client(origin, http3=True, connect_timeout=0.1) as client, pytest.raises(TimeoutError) as failed:
            client.get("/")
        assert isinstance(failed.value, ConnectError) and failed.value.phase == "tls"

        async def main() -> None:
            async with AsyncClient(origin, http3=True, connect_timeout=0.1) as client:
                with pytest.raises(TimeoutError):
                    await client.get("/")
            async with AsyncClient("https://name.invalid", http3=True) as client:
                with pytest.raises(ConnectError) as failed:
                    await client.get("/")
                assert failed.value.phase == "resolve"
            # Closed in the middle of the handshake.
            async with AsyncClient(origin, http3=True) as client:
                task = asyncio.create_task(client.get("/"))
                silent.recv(2048)
                await asyncio.sleep(0)
            with pytest.raises(ClientError):
                await task

        run(main())


def test_a_server_that_is_not_believed(foreign: str, tmp_path: Path) -> None:
    other = make(tmp_path, "other")
    tls = ClientTls(roots=other.certificate)
    with Client(foreign, http3=True, tls=tls) as client, pytest.raises(ConnectError, match="invalid peer certificate") as failed:
        client.get("/")
    assert failed.value.phase == "tls" and not isinstance(failed.value, TimeoutError)


def test_misuse() -> None:
    for made in (Client, AsyncClient):
        with pytest.raises(ValueError, match="not encrypted"):
            made("http://localhost", http3=True)
        with pytest.raises(ValueError, match="not encrypted"):
            made("unix:/run/app.sock", http3=True)
        for http2 in (True, False):
            with pytest.raises(ValueError, match="together with http2"):
                made("https://localhost", http3=True, http2=http2)
