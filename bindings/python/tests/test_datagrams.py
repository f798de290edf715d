"""Datagrams of requests (RFC 9297): in capsules of HTTP/1.1, and in QUIC DATAGRAM frames of a client that is not ours."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest
from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DatagramReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent

from conftest import PATIENCE, Running, over_tls, raw
from flare import App, Request, Response, Settings

Serve = Callable[[App], Running]

OFFER = "GET /echo HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: echo\n\n"


def echoing(settings: Settings | None = None) -> App:
    app = App(settings)

    @app.route("/echo", ["GET", "CONNECT"])
    async def echo(request: Request) -> Response | None:
        if request.offered_protocol is None:
            return Response.text("offer something\n", status=426)
        async with request.datagrams("echo") as datagrams:
            async for datagram in datagrams:
                assert datagrams.send(datagram)
            assert datagrams.send("bye")
        return None

    return app


def until(connection: socket.socket, expected: bytes) -> bytes:
    """What comes, to the end of what is expected."""
    came = b""
    while not came.endswith(expected):
        part = connection.recv(4096)
        assert part, came
        came += part
    return came


def test_datagrams_are_capsules(serve: Serve) -> None:
    with serve(echoing()) as running:
        with raw(running, OFFER) as connection:
            head = until(connection, b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ") and b"\r\ncapsule-protocol: ?1\r\n" in head
            # A capsule of an unknown kind between two datagrams.
            connection.sendall(b"\x00\x05hello\x21\x01x\x00\x00")
            until(connection, b"\x00\x05hello\x00\x00")
            connection.shutdown(socket.SHUT_WR)
            assert until(connection, b"\x00\x03bye") == b"\x00\x03bye"
            assert connection.recv(10) == b""
        with raw(running, "GET /echo HTTP/1.1\nHost: a\nConnection: close\n\n") as connection:
            assert until(connection, b"offer something\n").startswith(b"HTTP/1.1 426 ")


def test_what_can_not_be_sent_is_told(serve: Serve) -> None:
    app, told = App(), []
    held = threading.Event()

    @app.get("/echo")
    async def handler(request: Request) -> str | None:
        assert request.offered_protocol == "echo"
        datagrams = request.datagrams("other")
        with pytest.raises(ValueError, match="does not offer"):
            await datagrams.__aenter__()
        with pytest.raises(RuntimeError, match="no datagrams"):
            datagrams.send(b"early")
        assert datagrams.max_size == 0
        async with request.datagrams("echo") as datagrams:
            assert datagrams.request is request and datagrams.max_size == 65536
            with pytest.raises(ValueError, match="65536 bytes"):
                datagrams.send(bytes(65537))
            with pytest.raises(TypeError):
                datagrams.send(7)  # type: ignore[arg-type]
            told.append(sum(datagrams.send(b"x") for _ in range(200)))
        with pytest.raises(RuntimeError):
            datagrams.send(b"late")
        held.set()
        return None

    with serve(app) as running, raw(running, OFFER) as connection:
        until(connection, b"\x00\x01x" * 128)
        assert held.wait(PATIENCE)
        assert told == [128]
        assert running.server.stats()["http_datagrams_dropped"] == 0


def test_a_handler_that_raises_cuts_the_stream_and_a_client_that_leaves_cancels_it(serve: Serve) -> None:
    app, ends = App(), []
    ended = threading.Event()

    @app.get("/echo")
    async def handler(request: Request) -> None:
        try:
            async with request.datagrams("echo") as datagrams:
                async for datagram in datagrams:
                    raise ValueError(datagram)
        except BaseException as error:
            ends.append(type(error))
            ended.set()
            raise

    with serve(app) as running:
        with raw(running, OFFER) as connection:
            until(connection, b"\r\n\r\n")
            connection.sendall(b"\x00\x01x")
            with pytest.raises(ConnectionResetError):
                connection.recv(10)
        assert ended.wait(PATIENCE) and ends == [ValueError]
        ended.clear()
        with raw(running, OFFER) as connection:
            until(connection, b"\r\n\r\n")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert ended.wait(PATIENCE) and ends[1:] == [asyncio.CancelledError]


class Client(QuicConnectionProtocol):
    """One stream of datagrams."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # aioquic announces datagrams for WebTransport only.
        self.http = H3Connection(self._quic, enable_webtransport=True)
        self.came: asyncio.Queue[Any] = asyncio.Queue()

    def quic_event_received(self, event: QuicEvent) -> None:
        for came in self.http.handle_event(event):
            if isinstance(came, HeadersReceived):
                self.came.put_nowait(dict(came.headers)[b":status"])
            elif isinstance(came, DatagramReceived):
                self.came.put_nowait(came.data)

    async def next(self) -> Any:
        return await asyncio.wait_for(self.came.get(), PATIENCE)

    async def talk(self) -> None:
        stream = self._quic.get_next_available_stream_id()
        head = {":method": "CONNECT", ":protocol": "echo", ":scheme": "https", ":authority": "localhost", ":path": "/echo"}
        self.http.send_headers(stream, [(name.encode(), value.encode()) for name, value in head.items()])
        self.transmit()
        assert await self.next() == b"200"
        for datagram in (b"one", b"", bytes(1000)):
            self.http.send_datagram(stream, datagram)
            self.transmit()
            assert await self.next() == datagram
        self.http.send_data(stream, b"", end_stream=True)
        self.transmit()
        assert await self.next() == b"bye"


def test_datagrams_are_frames_of_quic() -> None:
    async def ask(port: int) -> None:
        settings = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost", verify_mode=ssl.CERT_NONE)
        settings.max_datagram_frame_size = 65536
        async with connect("127.0.0.1", port, configuration=settings, create_protocol=Client) as client:
            assert isinstance(client, Client)
            await client.talk()

    app = echoing(Settings(http3=True, more={"http3_datagrams": 1}))
    with over_tls(app) as (server, _):
        asyncio.run(ask(int(server.address.rsplit(":", 1)[1])))
        assert server.stats()["http_datagrams_in"] == 3
