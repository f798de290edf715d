"""Requests to others, over HTTP/1.1, HTTP/2 and HTTP/3: one connection at a time, without a pool.

    with flare.Client("https://example.org") as client:
        answer = client.get("/status")
        print(answer.status, answer.json())

`AsyncClient` is the same in a loop of asyncio or uvloop. A client follows no redirects, keeps no cookies, and sends nothing twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from ._exchanges import (
    Asked,
    ClientError,
    ConnectError,
    ConnectTimeout,
    Content,
    Exchange,
    Exchanges,
    Fields,
    Origin,
    Piece,
    RequestFailed,
)
from ._flare import Connector, Headers
from ._json import decode
from .tls import ClientTls

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Client",
    "ClientError",
    "ClientResponse",
    "ClientStream",
    "ClientTls",
    "ConnectError",
    "ConnectTimeout",
    "RequestFailed",
    "ServerSession",
]

class ServerSession(NamedTuple):
    """What was agreed with a server on an encrypted connection."""

    version: str
    """"TLSv1.2" or "TLSv1.3"."""
    suite: str
    """The cipher suite by its name in the IANA registry."""
    alpn: str | None
    """The application protocol, such as "h2"."""
    peer_certificate: bytes | None
    """The certificate of the server, as DER."""
    resumed: bool
    """Whether a session of an earlier connection was used."""


class ClientResponse:
    """A whole answer."""

    __slots__ = ("_body", "_exchange")

    def __init__(self, exchange: Exchange, body: bytes) -> None:
        self._exchange, self._body = exchange, body

    @property
    def status(self) -> int:
        """The status."""
        return self._exchange.status or 0

    @property
    def version(self) -> str:
        """The version of HTTP that it came by: "1.0", "1.1", "2", "3"."""
        return self._exchange.version

    @property
    def headers(self) -> Headers:
        """The header fields: a mapping whose names have no case."""
        return self._exchange.headers or _NONE

    @property
    def trailers(self) -> Headers:
        """The fields behind the content."""
        return self._exchange.trailers or _NONE

    @property
    def interim(self) -> list[tuple[int, Headers]]:
        """The interim answers before it (1xx; RFC 9110, 15.2): status and fields of each."""
        return self._exchange.interim

    @property
    def body(self) -> bytes:
        """The content."""
        return self._body

    @property
    def text(self) -> str:
        """The content as UTF-8."""
        return self._body.decode()

    def json(self) -> Any:
        """The content as a value of JSON. ValueError when it is none."""
        return decode(self.text)

    def __repr__(self) -> str:
        return f"<flare.ClientResponse {self.status}>"


class StreamHead:
    """The head of an answer whose content comes bit by bit."""

    __slots__ = ("_exchange",)

    _exchange: Exchange

    @property
    def status(self) -> int:
        """The status."""
        return self._exchange.status or 0

    @property
    def version(self) -> str:
        """The version of HTTP that it comes by: "1.0", "1.1", "2", "3"."""
        return self._exchange.version

    @property
    def headers(self) -> Headers:
        """The header fields: a mapping whose names have no case."""
        return self._exchange.headers or _NONE

    @property
    def trailers(self) -> Headers:
        """The fields behind the content; none before its end."""
        return self._exchange.trailers or _NONE

    @property
    def interim(self) -> list[tuple[int, Headers]]:
        """The interim answers before it (1xx; RFC 9110, 15.2): status and fields of each."""
        return self._exchange.interim


class _Sender:
    """Gives the content of a request, as far as the server takes it."""

    __slots__ = ("_piece", "_pieces", "exchange")

    def __init__(self, exchange: Exchange, pieces: Iterator[Piece] | None) -> None:
        self.exchange, self._pieces = exchange, pieces
        # One that was refused.
        self._piece: Piece | None = None

    def push(self) -> bool:
        """Gives a piece. False: nothing to give now."""
        exchange = self.exchange
        if self._pieces is None or exchange.is_over or exchange.refused:
            return False
        if self._piece is None:
            self._piece = next(self._pieces, None)
            if self._piece is None:
                self._pieces = None
                exchange.finish()
                return True
        taken = exchange.write(self._piece)
        if taken is None:
            self._pieces = None
        if taken:
            self._piece = None
        return taken is True


class ClientStream(StreamHead):
    """An answer whose content comes while one iterates over it: `with client.stream("GET", "/big") as answer`.

    The server is not read faster than that. What is left at the end of the block is given up: on HTTP/1.1 with the connection.
    """

    __slots__ = ("_asked", "_client", "_sender", "_timeout")

    def __init__(self, client: Client, asked: Asked, timeout: float) -> None:
        self._client, self._asked, self._timeout = client, asked, timeout

    def __enter__(self) -> Self:
        deadline = time.monotonic() + self._timeout
        self._exchange, self._sender = self._client._begin(self._asked)
        try:
            while self._exchange.status is None and self._exchange.failure is None:
                self._client._step(self._sender, deadline)
            if self._exchange.status is None and self._exchange.failure is not None:
                raise self._exchange.failure
        except BaseException:
            self._exchange.close()
            raise
        return self

    def __iter__(self) -> Iterator[bytes]:
        """The content as it comes; each part within `timeout`."""
        exchange, deadline = self._exchange, time.monotonic() + self._timeout
        while True:
            part = exchange.part()
            if part is not None:
                yield part
                deadline = time.monotonic() + self._timeout
            elif exchange.failure is not None:
                raise exchange.failure
            elif exchange.ended:
                return
            else:
                self._client._step(self._sender, deadline)

    def read(self) -> bytes:
        """The content that is left, whole. ClientError when it is longer than `max_content`."""
        return self._client._collect(iter(self))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._exchange.close()


class ClientSettings:
    """What clients that block and those in a loop have in common."""

    def __init__(
        self,
        origin: str,
        *,
        http2: bool | None = None,
        http3: bool = False,
        tls: ClientTls | None = None,
        timeout: float = 30,
        connect_timeout: float = 10,
        attempt_delay: float = 0.25,
        max_content: int = 64 << 20,
    ) -> None:
        """origin: `https://name`, `http://name:port` or `unix:/path`. Nothing is connected before the first request.

        http2: `None` leaves it to the server with TLS (ALPN), and is HTTP/1.1 without. True is HTTP/2 alone, without TLS by prior
            knowledge; False is HTTP/1.1 alone.
        http3: over QUIC, for a server that is known to speak it on the UDP port of this number; only with `https`. There is no other way
            back to the server when it does not, or when a network lets no UDP through: `ConnectError` says so, after `connect_timeout`.
        tls: whom to believe, and who the client is.
        timeout: seconds for a whole answer, or for the next part of a stream. connect_timeout: for the lookup, all addresses and the TLS
            handshake together. attempt_delay: how long an address has before the next is tried beside it (RFC 8305).
        max_content: the most bytes of content that are collected.
        """
        self._origin = Origin(origin)
        self._timeout, self._max_content = timeout, max_content
        encrypted = self._origin.scheme == "https"
        if tls is not None and not encrypted:
            raise ValueError(f"tls: {origin!r} is not encrypted")
        if http3 and (not encrypted or http2 is not None):
            why = "together with http2" if encrypted else f"{origin!r} is not encrypted"
            raise ValueError(f"http3: {why}")
        alpn = {None: ("h2", "http/1.1"), True: ("h2",), False: ("http/1.1",)}[http2]
        given = (tls or ClientTls())._given(alpn) if encrypted else None
        self._connector = Connector(connect_timeout, attempt_delay, given)
        # 0: what was agreed by ALPN, and HTTP/1.1 without.
        self._version = 3 if http3 else 2 if http2 else 0
        self._closed = False

    def _too_long(self) -> ClientError:
        return ClientError(f"the content of the answer is longer than {self._max_content} bytes (max_content)")


class Client(ClientSettings):
    """A client of one server, for threads that may block. One thread at a time uses it.

    It has one connection at a time: made for the first request, and made anew when the server has ended it. HTTP/1.1 runs one request
    after another; HTTP/2 and HTTP/3 run streams side by side. What is sent once is never sent again: a request that was lost is a
    `RequestFailed`.
    """

    _exchanges: Exchanges | None = None

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Fields | None = None,
        content: Content | None = None,
        json: Any = None,
        timeout: float | None = None,
    ) -> ClientResponse:
        """Sends a request and waits for the whole answer, of any status.

        target: `/path?query`. content: str, bytes, or an iterable of these, which is sent as it comes.
        json: a value that becomes the content. timeout: in seconds; the default is the client's.
        `ConnectError`, `RequestFailed`, `TimeoutError`, and the `ClientError` that the first two are.
        """
        limit = self._timeout if timeout is None else timeout
        deadline = time.monotonic() + limit
        exchange, sender = self._begin(Asked(method, target, headers, content, json))
        try:
            return ClientResponse(exchange, self._collect(self._parts(exchange, sender, deadline)))
        finally:
            exchange.close()

    def get(self, target: str, **options: Any) -> ClientResponse:
        """GET. Options as for `request`."""
        return self.request("GET", target, **options)

    def head(self, target: str, **options: Any) -> ClientResponse:
        """HEAD. Options as for `request`."""
        return self.request("HEAD", target, **options)

    def post(self, target: str, **options: Any) -> ClientResponse:
        """POST. Options as for `request`."""
        return self.request("POST", target, **options)

    def put(self, target: str, **options: Any) -> ClientResponse:
        """PUT. Options as for `request`."""
        return self.request("PUT", target, **options)

    def patch(self, target: str, **options: Any) -> ClientResponse:
        """PATCH. Options as for `request`."""
        return self.request("PATCH", target, **options)

    def delete(self, target: str, **options: Any) -> ClientResponse:
        """DELETE. Options as for `request`."""
        return self.request("DELETE", target, **options)

    def stream(
        self,
        method: str,
        target: str,
        *,
        headers: Fields | None = None,
        content: Content | None = None,
        json: Any = None,
        timeout: float | None = None,
    ) -> ClientStream:
        """Sends a request, and gives its answer at its head: `with client.stream("GET", "/big") as answer`.

        Options are those of `request`. Content that comes from an iterable goes on being sent while one iterates over the answer.
        """
        return ClientStream(self, Asked(method, target, headers, content, json), self._timeout if timeout is None else timeout)

    @property
    def tls(self) -> ServerSession | None:
        """What was agreed on the connection that is open; `None` without one, or without TLS."""
        agreed = None if self._exchanges is None else self._exchanges.link.tls
        return None if agreed is None else ServerSession(*agreed)

    def close(self) -> None:
        """Ends the connection, and all that runs on it."""
        self._closed = True
        exchanges, self._exchanges = self._exchanges, None
        if exchanges is not None:
            exchanges.end(ClientError("the client was closed"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    # ---- steps

    def _connected(self) -> Exchanges:
        """The connection, made if there is none that goes on."""
        if self._closed:
            raise RuntimeError("the client is closed")
        exchanges = self._exchanges
        if exchanges is not None:
            # What the server has said since, such as that it ends the connection.
            while (event := exchanges.link.next_event(0)) is not None:
                if not exchanges.take(event):
                    exchanges = None
                    break
        if exchanges is None:
            exchanges = Exchanges(self._connector.begin(self._origin.target, self._version).wait())
        self._exchanges = exchanges
        return exchanges

    def _begin(self, asked: Asked) -> tuple[Exchange, _Sender]:
        pieces = None if asked.content is None else iter(asked.pieces())
        for _ in range(2):
            exchange = self._connected().open(self._origin, asked)
            if isinstance(exchange, Exchange):
                return exchange, _Sender(exchange, pieces)
            if exchange is None:
                raise ClientError("a request is under way, and the connection takes no other beside it")
            self._exchanges = None
        raise ClientError("the server ends each connection at once")

    def _step(self, sender: _Sender, deadline: float) -> None:
        """Sends some content, or waits until something comes."""
        pushed = sender.push()
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("there was no answer in time")
        exchanges = sender.exchange.on
        event = exchanges.link.next_event(0 if pushed else left)
        if event is not None and not exchanges.take(event) and self._exchanges is exchanges:
            self._exchanges = None

    def _parts(self, exchange: Exchange, sender: _Sender, deadline: float) -> Iterator[bytes]:
        while True:
            part = exchange.part()
            if part is not None:
                yield part
            elif exchange.failure is not None:
                raise exchange.failure
            elif exchange.ended:
                return
            else:
                self._step(sender, deadline)

    def _collect(self, parts: Iterator[bytes]) -> bytes:
        collected = bytearray()
        for part in parts:
            if len(collected) + len(part) > self._max_content:
                raise self._too_long()
            collected += part
        return bytes(collected)


_NONE = Headers()
