"""A client for tests, without a port."""

from __future__ import annotations

import http.client
import json as _json
import socket
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._flare import Report
from ._websocket_client import WebSocketOpener, websocket
from .server import HostServer

if TYPE_CHECKING:
    from .app import App, Loop

__all__ = ["TestClient", "TestResponse"]


@dataclass(frozen=True)
class TestResponse:
    """An answer as a client sees it."""

    __test__ = False

    status: int
    """The status."""
    headers: http.client.HTTPMessage
    """The header fields: a mapping whose names have no case; `get_all` gives all values of a name."""
    body: bytes
    """The content."""

    @property
    def text(self) -> str:
        """The content as UTF-8."""
        return self.body.decode()

    def json(self) -> Any:
        """The content as a value of JSON."""
        return _json.loads(self.body)


class _Connection(http.client.HTTPConnection):
    """Over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("test", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class TestClient:
    """Serves an app on a Unix socket of its own, in a thread, and asks it. Everything works as it does in a real server.

        with app.test_client() as client:
            assert client.get("/hi/ada").text == "hi, ada\\n"

    Each request has a connection of its own. An answer that does not come within `timeout` seconds is a TimeoutError.
    """

    __test__ = False

    def __init__(self, app: App, loop: Loop, timeout: float) -> None:
        self._app, self._loop, self._timeout = app, loop, timeout
        self._up = threading.Event()
        self._server: HostServer | None = None
        self._failed: BaseException | None = None
        self.report: Report | None = None

    def __enter__(self) -> TestClient:
        self._folder = tempfile.TemporaryDirectory(prefix="flare")
        self.path = str(Path(self._folder.name, "socket"))
        self._thread = threading.Thread(target=self._run, name="flare-test-client", daemon=True)
        self._thread.start()
        self._up.wait()
        if self._failed is not None:
            self._folder.cleanup()
            raise self._failed
        return self

    def _run(self) -> None:
        try:
            self.report = self._app.run(f"unix:{self.path}", loop=self._loop, started=self._started)
        except BaseException as error:
            self._failed = error
        finally:
            self._up.set()

    def _started(self, server: HostServer) -> None:
        self._server = server
        self._up.set()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._server is not None:
            self._server.drain(0 if error is not None else self._timeout)
        self._thread.join()
        self._server = None
        self._folder.cleanup()
        if error is None and self._failed is not None:
            raise self._failed

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        json: Any = None,
    ) -> TestResponse:
        """Sends a request, and waits for the whole answer. `json`: a value that becomes the content."""
        fields = dict(headers or {})
        if json is not None:
            if body is not None:
                raise ValueError("either body or json")
            body = _json.dumps(json)
            fields.setdefault("content-type", "application/json")
        connection = _Connection(self.path, self._timeout)
        try:
            connection.request(method, target, body.encode() if isinstance(body, str) else body, fields)
            answer = connection.getresponse()
            return TestResponse(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def websocket(self, target: str, **options: Any) -> WebSocketOpener:
        """Opens a WebSocket: `with client.websocket("/chat") as ws`, `async with` too. Options as for `flare.websocket`."""
        return websocket(f"ws://test{target}", target=f"unix:{self.path}", **options)

    def get(self, target: str, **options: Any) -> TestResponse:
        """GET. Options as for `request`."""
        return self.request("GET", target, **options)

    def post(self, target: str, **options: Any) -> TestResponse:
        """POST. Options as for `request`."""
        return self.request("POST", target, **options)

    def put(self, target: str, **options: Any) -> TestResponse:
        """PUT. Options as for `request`."""
        return self.request("PUT", target, **options)

    def delete(self, target: str, **options: Any) -> TestResponse:
        """DELETE. Options as for `request`."""
        return self.request("DELETE", target, **options)
