"""Requests on a connection and what comes back, for clients that block and for those in a loop."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ._flare import Headers, Link
from ._json import encode

Piece = str | bytes | bytearray | memoryview
Content = Piece | Iterable[Piece]
AsyncContent = Content | AsyncIterable[Piece]
Fields = Mapping[str, str] | Mapping[str, bytes] | Iterable[tuple[str, str | bytes]]

# Content is given in pieces of so many bytes.
PIECE = 64 * 1024

OVER, INFORMATIONAL, HEAD, SWITCHED, DATA, END, WRITABLE, FAILED = range(8)


class ClientError(ConnectionError):
    """There is no answer, or not all of it."""


class ConnectError(ClientError):
    """There is no connection. Its text says for whom, which step failed, and why."""

    def __init__(self, text: str, target: str, phase: str) -> None:
        super().__init__(text)
        self.target = target
        """Whom it was for."""
        self.phase = phase
        """The step that failed: "resolve", "connect" or "tls"."""


class ConnectTimeout(ConnectError, TimeoutError):
    """There was no connection in time."""


class RequestFailed(ClientError):
    """The server, or the connection, gave the request up."""

    def __init__(self, text: str, refused: bool) -> None:
        super().__init__(text)
        self.refused = refused
        """The server did nothing about the request: it may be sent again, whatever its method."""


def connect_error(text: str, target: str, phase: str, is_timeout: bool) -> ConnectError:
    """Why there is no connection."""
    return (ConnectTimeout if is_timeout else ConnectError)(text, target, phase)


class Origin:
    """A server: `https://name:port`, `http://...` or `unix:/path`."""

    __slots__ = ("authority", "scheme", "target")

    def __init__(self, url: str) -> None:
        if url.startswith("unix:"):
            self.scheme, self.authority, self.target = "http", "localhost", url
            return
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no http://name, https://name or unix:/path")
        if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(f"{url!r} has more than a name and a port: the rest belongs to each request")
        self.scheme, self.authority = parts.scheme, parts.netloc
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.target = f"{host}:{port}"


class Asked:
    """A request that is to be sent."""

    __slots__ = ("content", "headers", "length", "method", "target")

    def __init__(self, method: str, target: str, headers: Fields | None, content: Any, json: Any) -> None:
        self.method, self.target, self.headers = method, target, _pairs(headers)
        if json is not None:
            if content is not None:
                raise ValueError("either content or json")
            content = encode(json)
            if all(name.lower() != "content-type" for name, _ in self.headers):
                self.headers.append(("content-type", "application/json"))
        if isinstance(content, str):
            content = content.encode()
        elif isinstance(content, bytearray | memoryview):
            content = bytes(content)
        self.content = content
        # Of the content; -1: not known.
        self.length: int | None = None if content is None else len(content) if isinstance(content, bytes) else -1

    def pieces(self) -> Any:
        """The content as what can be iterated over, at once or asynchronously."""
        if isinstance(self.content, bytes):
            return (self.content[at : at + PIECE] for at in range(0, len(self.content), PIECE))
        if not hasattr(self.content, "__aiter__") and not hasattr(self.content, "__iter__"):
            raise TypeError(f"the content of a request is str, bytes or an iterable of these, not {type(self.content).__name__}")
        return self.content


def _pairs(headers: Fields | None) -> list[tuple[str, str | bytes]]:
    if headers is None:
        return []
    if isinstance(headers, Headers):
        return list(headers.pairs())
    return list(headers.items() if isinstance(headers, Mapping) else headers)


class Exchange:
    """One request, and what came back so far."""

    __slots__ = (
        "ended",
        "failure",
        "headers",
        "interim",
        "number",
        "on",
        "parts",
        "refused",
        "sent",
        "status",
        "trailers",
        "version",
        "waiting",
    )

    def __init__(self, on: Exchanges, number: int) -> None:
        self.on, self.number = on, number
        self.status: int | None = None
        self.version = ""
        self.headers: Headers | None = None
        self.trailers: Headers | None = None
        self.interim: list[tuple[int, Headers]] = []
        self.parts: deque[bytes] = deque()
        self.ended = False
        self.failure: BaseException | None = None
        # The request is whole.
        self.sent = False
        # Content was refused, and is not taken again yet.
        self.refused = False
        # Called once when something has come.
        self.waiting: list[Callable[[], None]] = []

    @property
    def is_over(self) -> bool:
        return self.ended or self.failure is not None

    def take(self, kind: int, value: Any, more: Any) -> None:
        """Something came."""
        if kind == DATA:
            self.parts.append(value)
        elif kind == HEAD:
            (self.status, self.version), self.headers = value, more
        elif kind == END:
            self.trailers, self.ended = value, True
        elif kind == WRITABLE:
            self.refused = False
        elif kind == INFORMATIONAL:
            self.interim.append((value[0], more))
        elif kind == FAILED:
            self.fail(RequestFailed(value, more))
        else:
            self.fail(ClientError("the server switched to another protocol, which nobody asked for"))
        self.tell()

    def tell(self) -> None:
        """Lets who waits look again."""
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each()

    def fail(self, failure: BaseException) -> None:
        """There will be no answer."""
        if not self.is_over:
            self.failure = failure

    def part(self) -> bytes | None:
        """Some content; None when there is none yet, or no more."""
        if not self.parts:
            return None
        part = self.parts.popleft()
        self.on.link.consumed(self.number, len(part))
        return part

    def write(self, piece: Piece) -> bool | None:
        """Gives a piece of content. False: the server has to take some first; None: nobody wants it any more."""
        taken = self.on.link.try_write(self.number, piece)
        self.refused = taken is False
        return taken

    def finish(self) -> None:
        """Ends the request."""
        self.sent = self.on.link.finish(self.number)

    def close(self) -> None:
        """Nobody looks at it any more. What is still to come is given up."""
        self.on.running.pop(self.number, None)
        if not self.sent or not self.ended or self.parts:
            for part in self.parts:
                self.on.link.consumed(self.number, len(part))
            self.parts.clear()
            self.on.link.cancel(self.number)
        self.on.closed_one()


class Exchanges:
    """Those that run on one connection."""

    __slots__ = ("link", "running")

    def __init__(self, link: Link) -> None:
        self.link = link
        self.running: dict[int, Exchange] = {}

    def open(self, origin: Origin, asked: Asked) -> Exchange | int | None:
        """Begins one. None: the connection takes no other request now; -1: it takes none any more."""
        length = asked.length
        number = self.link.open(asked.method, origin.scheme, origin.authority, asked.target, asked.headers, length)
        if number is None or number < 0:
            return number
        exchange = self.running[number] = Exchange(self, number)
        exchange.sent = length is None
        return exchange

    def take(self, event: tuple[int, int, Any, Any]) -> bool:
        """Gives an event to its exchange. False: the connection is over."""
        kind, number, value, more = event
        if kind == OVER:
            for exchange in list(self.running.values()):
                exchange.take(FAILED, "the connection ended before the answer did", False)
            return False
        known = self.running.get(number)
        if known is not None:
            known.take(kind, value, more)
        elif kind == DATA:
            self.link.consumed(number, len(value))
        return True

    def closed_one(self) -> None:
        """One has ended: another may begin."""

    def end(self, why: ClientError) -> None:
        """Ends the connection, and fails all that runs on it."""
        for exchange in list(self.running.values()):
            exchange.fail(why)
            exchange.tell()
            self.link.cancel(exchange.number)
        self.running.clear()
        self.link.close()
