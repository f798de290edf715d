"""What the tests have in common: servers in threads, and raw connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import flare

PATIENCE = 10.0


class Running:
    """A server in a thread of its own."""

    def __init__(self, app: flare.App, loop: str) -> None:
        self.app, self.loop = app, loop
        self.report: flare.Report | None = None
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.report = self.app.run("127.0.0.1:0", loop=self.loop, started=self._started)
        finally:
            self._up.set()

    def _started(self, server: flare.HostServer) -> None:
        self.server = server
        self._up.set()

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._up.wait(PATIENCE)
        self.address = self.server.address
        self.url = f"http://{self.address}"
        return self

    def __exit__(self, *_: object) -> None:
        self.server.drain(1)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def connect(self) -> socket.socket:
        host, port = self.address.rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=PATIENCE)


@pytest.fixture(params=["auto", "asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    """Each kind of loop."""
    return str(request.param)


@pytest.fixture
def serve(loop: str) -> Callable[[flare.App], Running]:
    """Serves an app in a thread, in each kind of loop."""
    return lambda app: Running(app, loop)


@contextmanager
def raw(running: Running, text: str) -> Iterator[socket.socket]:
    """A connection on which a request was sent."""
    with running.connect() as connection:
        connection.sendall(text.replace("\n", "\r\n").encode())
        yield connection


@contextmanager
def over_tls(app: flare.App, **tls: Any) -> Iterator[tuple[flare.HostServer, bytes]]:
    """Serves an app in a thread; gives the server and its certificate."""
    settings = flare.Tls.self_signed("localhost")
    assert isinstance(settings.certificate, bytes)
    up, servers = threading.Event(), []

    def started(server: flare.HostServer) -> None:
        servers.append(server)
        up.set()

    more = flare.Tls(settings.certificate, settings.key, **tls)
    thread = threading.Thread(target=lambda: app.run("127.0.0.1:0", tls=more, started=started, loop="asyncio"))
    thread.start()
    try:
        assert up.wait(PATIENCE)
        yield servers[0], settings.certificate
    finally:
        servers[0].drain(0)
        thread.join(PATIENCE)
    assert not thread.is_alive()
