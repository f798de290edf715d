"""HTTP/3 with a client that is not ours, in the process of the server, beside OpenSSL in Python's ssl."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent
from test_tls import Pair, about, make, port, running, trusting

from conftest import PATIENCE
from flare import App, Request, Settings


class Client(QuicConnectionProtocol):
    """Requests over one connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.answers: dict[int, tuple[asyncio.Future[tuple[dict[str, str], bytes]], dict[str, str], bytearray]] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        for came in self.http.handle_event(event):
            if not isinstance(came, HeadersReceived | DataReceived) or came.stream_id not in self.answers:
                continue
            done, fields, content = self.answers[came.stream_id]
            if isinstance(came, HeadersReceived):
                fields.update({name.decode(): value.decode() for name, value in came.headers})
            else:
                content += came.data
            if came.stream_ended:
                done.set_result((fields, bytes(content)))

    async def ask(self, method: str, path: str, content: bytes = b"") -> tuple[dict[str, str], bytes]:
        stream = self._quic.get_next_available_stream_id()
        pseudo = {":method": method, ":scheme": "https", ":authority": "localhost", ":path": path}
        head = [(name.encode(), value.encode()) for name, value in pseudo.items()]
        self.answers[stream] = (asyncio.get_running_loop().create_future(), {}, bytearray())
        self.http.send_headers(stream, head, end_stream=not content)
        if content:
            self.http.send_data(stream, content, end_stream=True)
        self.transmit()
        return await asyncio.wait_for(self.answers[stream][0], PATIENCE)


@asynccontextmanager
async def client(where: int, pair: Pair) -> Any:
    settings = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost")
    settings.load_verify_locations(str(pair.certificate))
    async with connect("127.0.0.1", where, configuration=settings, create_protocol=Client) as made:
        yield made


def app() -> App:
    made = App(Settings(http3=True, more={"quic_retry": "always"}))
    made.get("/")(about)

    @made.get("/later")
    async def later(request: Request) -> str:
        await asyncio.sleep(0)
        return f"later, by HTTP/{request.version}\n"

    @made.get("/stream")
    async def stream(request: Request) -> Any:
        for n in range(3):
            await asyncio.sleep(0)
            yield f"{n}\n"

    @made.post("/echo")
    def echo(request: Request) -> bytes:
        return request.body

    return made


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    yield make(tmp_path_factory.mktemp("certificates"), "one")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_one_address_serves_all_three(loop: str, pair: Pair) -> None:
    with running(loop, app(), certificate=pair.certificate, key=pair.key) as server:
        where = port(server)
        content = os.urandom(300_000)

        async def ask() -> None:
            async with client(where, pair) as asked:
                fields, _ = await asked.ask("GET", "/")
                assert (fields[":status"], fields.get("alt-svc")) == ("200", None)
                assert (await asked.ask("GET", "/later"))[1] == b"later, by HTTP/3\n"
                assert (await asked.ask("GET", "/stream"))[1] == b"0\n1\n2\n"
                assert (await asked.ask("POST", "/echo", content))[1] == content
                assert (await asked.ask("GET", "/none"))[0][":status"] == "404"
                both = await asyncio.gather(*(asked.ask("POST", "/echo", bytes([n]) * 1000) for n in range(20)))
                assert [got[1] for got in both] == [bytes([n]) * 1000 for n in range(20)]

        # Sessions of OpenSSL before, beside and behind those of QUIC: each library has symbols of its own.
        for _ in range(2):
            for http2 in (False, True):
                with httpx.Client(verify=trusting(pair), http2=http2) as other:
                    got = other.get(f"https://localhost:{where}/later")
                    assert (got.text, got.headers["alt-svc"]) == (
                        f"later, by HTTP/{2 if http2 else 1.1}\n",
                        f'h3=":{where}"; ma=86400',
                    )
            asyncio.run(ask())
        assert ssl.OPENSSL_VERSION


def test_it_is_off_until_it_is_asked_for(pair: Pair) -> None:
    made = App()
    made.get("/")(about)
    with running("asyncio", made, certificate=pair.certificate, key=pair.key) as server, httpx.Client(verify=trusting(pair)) as other:
        assert "alt-svc" not in other.get(f"https://localhost:{port(server)}/").headers


def test_a_setting_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="quic_colour"):
        App(Settings(more={"quic_colour": 1})).run("127.0.0.1:0")
