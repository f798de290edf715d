"""WebSockets to others: for threads, and in a loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, final

from ._exchanges import ClientError, Fields
from ._flare import ClientSocket, Headers, Opener
from ._websocket import Message, Sent, WebSocketBase, WebSocketClosed
from .settings import milliseconds
from .tls import ClientTls

if TYPE_CHECKING:
    from typing_extensions import Self

MESSAGE, CONTROL, WRITABLE, CLOSED = range(4)

# From so many bytes on no more messages are taken from the server, and below so many they are again.
_HIGH, _LOW = 64 * 1024, 16 * 1024
# So many events are taken before others get the loop.
_EVENTS = 64


class WebSocketRefused(ClientError):
    """The server answered with something else than a socket."""

    def __init__(self, text: str, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(text)
        self.status = status
        """The status of its answer. Redirects are not followed."""
        self.headers = headers
        """Its header fields."""
        self.body = body
        """Its content, at most the first 16 KiB."""


class _Line:
    """A socket to a server in a loop, which watches it; what `WebSocketBase` is made of."""

    def __init__(self, socket: ClientSocket, loop: asyncio.AbstractEventLoop) -> None:
        self.socket, self._loop = socket, loop
        self._messages: deque[Message] = deque()
        self._size = 0
        self._reader: Callable[[], None] | None = None
        self._writers: list[Callable[[], None]] = []
        self._enders: list[Callable[[], None]] = []
        self.ended: tuple[int, str] | None = None
        self.was_clean = False
        self._watched = True
        loop.add_reader(socket.fileno(), self._turn)

    def _turn(self) -> None:
        for _ in range(_EVENTS):
            if not self._watched:
                return
            try:
                event = self.socket.next_event(0)
            except OSError as error:
                event = (CLOSED, ((1006, str(error)), False))
            if event is None:
                return
            self._take(*event)

    def _take(self, kind: int, value: Any) -> None:
        if kind == MESSAGE:
            self._messages.append(value)
            self._size += len(value) + 64
            if self._size >= _HIGH:
                # The core stops the server a little later.
                self._watch(False)
            self._tell_reader()
        elif kind == WRITABLE:
            writers, self._writers = self._writers, []
            for each in writers:
                each()
        elif kind == CLOSED:
            self._watch(False)
            self.ended, self.was_clean = value
            self.socket.let_go()
            self._tell_reader()
            waiting = [*self._writers, *self._enders]
            self._writers, self._enders = [], []
            for each in waiting:
                each()

    def _tell_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader()

    def _watch(self, watched: bool) -> None:
        if watched == self._watched or self._loop.is_closed():
            return
        self._watched = watched
        if watched:
            self._loop.add_reader(self.socket.fileno(), self._turn)
            # There may be something that the descriptor has shown already.
            self._loop.call_soon(self._turn)
        else:
            self._loop.remove_reader(self.socket.fileno())

    @property
    def protocol(self) -> str | None:
        return self.socket.protocol

    @property
    def is_open(self) -> bool:
        return self.ended is None and self.socket.is_open

    @property
    def has_ended(self) -> bool:
        return self.ended is not None

    @property
    def is_empty(self) -> bool:
        return not self._messages

    def take(self) -> Message | None:
        if not self._messages:
            return None
        message = self._messages.popleft()
        self._size -= len(message) + 64
        if self._size < _LOW and self.ended is None:
            self._watch(True)
        return message

    def when_readable(self, waiting: Callable[[], None]) -> bool:
        if self.ended is not None or self._messages or self._reader is not None:
            return False
        self._reader = waiting
        return True

    def forget_reader(self) -> None:
        self._reader = None

    def when_writable(self, waiting: Callable[[], None]) -> bool:
        if self.ended is not None:
            return False
        # Nobody hears of room who is not watched.
        self._watch(True)
        self._writers.append(waiting)
        return True

    def when_over(self, waiting: Callable[[], None]) -> bool:
        if self.ended is not None:
            return False
        self._watch(True)
        self._enders.append(waiting)
        return True

    def _sent(self, taken: bool | None) -> bool:
        if taken is None:
            raise WebSocketClosed(*(self.ended or (None, "")))
        return taken

    def try_send(self, message: Sent) -> bool:
        return self._sent(self.socket.send(message, 0))

    def try_ping(self, data: bytes) -> bool:
        return self._sent(self.socket.try_ping(data))

    def close(self, code: int, reason: str) -> bool:
        return self.socket.close(code, reason)

    def give_up(self) -> None:
        """Nobody wants the rest."""
        if self.ended is None:
            self.socket.abort()
            self._take(CLOSED, ((1006, "it was given up"), False))


@final
class ClientWebSocket(WebSocketBase):
    """A WebSocket to a server, in a loop: `async for message in ws`, `await ws.send(message)`, `await ws.close()`.

    What waits (`receive`, `send`, `ping`, `close` and iterating) belongs into the loop that opened it; `try_send` and `begin_close` may be
    called from any thread. It may be kept behind its end: then it only refuses.
    """

    __slots__ = ("_client",)

    def __init__(self, socket: ClientSocket, loop: asyncio.AbstractEventLoop) -> None:
        self._client = _Line(socket, loop)
        super().__init__(self._client)

    @property
    def headers(self) -> Headers:
        """The header fields of the server's answer."""
        return self._client.socket.headers

    @property
    def http_version(self) -> str:
        """The version of HTTP that it was opened by: "1.1" or "2"."""
        return self._client.socket.version

    @property
    def was_clean(self) -> bool:
        """Whether it has ended, and both sides have said goodbye."""
        return self._client.was_clean

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        try:
            await self.close(1000 if error is None else 1001)
        finally:
            self._client.give_up()

    def __repr__(self) -> str:
        return f"<flare.ClientWebSocket {self._client.socket.uri} {'open' if self.is_open else 'closed'}>"


@final
class BlockingWebSocket:
    """A WebSocket to a server, for threads that may block: `for message in ws`, `ws.send(message)`, `ws.close()`.

    Any thread may call anything; so one may receive while another sends. Somebody has to receive: the server's Pings are answered, and its
    end is noticed, in there.
    """

    __slots__ = ("__weakref__", "_ended", "_send_timeout", "_socket", "_was_clean")

    def __init__(self, socket: ClientSocket, send_timeout: float) -> None:
        self._socket, self._send_timeout = socket, send_timeout
        self._ended: tuple[int, str] | None = None
        self._was_clean = False

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed."""
        return self._socket.protocol

    @property
    def headers(self) -> Headers:
        """The header fields of the server's answer."""
        return self._socket.headers

    @property
    def http_version(self) -> str:
        """The version of HTTP that it was opened by: "1.1" or "2"."""
        return self._socket.version

    @property
    def is_open(self) -> bool:
        """Whether messages are still taken."""
        return self._ended is None and self._socket.is_open

    @property
    def close_code(self) -> int | None:
        """How it ended, as `WebSocketClosed.code`; `None` while it has not."""
        return None if self._ended is None else self._ended[0]

    @property
    def close_reason(self) -> str:
        """Why it ended, in the peer's words, or what that did wrong."""
        return "" if self._ended is None else self._ended[1]

    @property
    def was_clean(self) -> bool:
        """Whether it has ended, and both sides have said goodbye."""
        return self._was_clean

    def receive(self, timeout: float | None = None) -> Message:
        """The next message: `str` or `bytes`. `WebSocketClosed` when there will be no more, TimeoutError after so many seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = 1.0 if deadline is None else max(deadline - time.monotonic(), 0)
            event = self._socket.next_event(left)
            if event is None:
                if left <= 0:
                    raise TimeoutError("no message came in time")
            elif event[0] == MESSAGE:
                message: Message = event[1]
                return message
            elif event[0] == CLOSED:
                if self._ended is None:
                    self._ended, self._was_clean = event[1]
                self._socket.let_go()
                raise WebSocketClosed(*self._ended)

    def __iter__(self) -> Iterator[Message]:
        """The messages, until the socket ends, however it does."""
        while True:
            try:
                message = self.receive()
            except WebSocketClosed:
                return
            yield message

    def send(self, message: Sent, timeout: float | None = None) -> None:
        """Sends a message, whole: `str` as text, bytes as binary. Waits while so much is under way that the server has to take some first.

        `WebSocketClosed` when the socket is closing or gone, TimeoutError when the server took nothing in so many seconds (default 30):
        then nothing was sent. A server that sends back what it gets may stop reading, unless another thread receives.
        """
        deadline = time.monotonic() + (self._send_timeout if timeout is None else timeout)
        while True:
            left = max(deadline - time.monotonic(), 0)
            taken = self._socket.send(message, left)
            if taken:
                return
            if taken is None:
                raise WebSocketClosed(*(self._ended or (None, "")))
            if left <= 0:
                raise TimeoutError("the server took nothing in time")

    def ping(self, data: bytes = b"") -> bool:
        """Sends a Ping of at most 125 bytes, without waiting. False: the server has to take some first."""
        taken = self._socket.try_ping(data)
        if taken is None:
            raise WebSocketClosed(*(self._ended or (None, "")))
        return taken

    def begin_close(self, code: int = 1000, reason: str = "") -> bool:
        """Begins to close as `close` does, and does not wait. False: it was closing before, or is gone."""
        return self._socket.close(code, reason)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Sends a Close behind what was sent, and waits for the server's, at most `close_timeout`.

        Messages that come meanwhile are dropped.
        code: 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, 7.4). reason: at most 123 bytes.
        """
        self.begin_close(code, reason)
        for _ in self:
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        try:
            self.close(1000 if error is None else 1001)
        finally:
            self._socket.abort()
            self._socket.let_go()

    def __repr__(self) -> str:
        return f"<flare.BlockingWebSocket {self._socket.uri} {'open' if self.is_open else 'closed'}>"


@final
class WebSocketOpener:
    """Opens WebSockets to one place. Made by `flare.websocket`."""

    __slots__ = ("_blocking", "_entered", "_opener", "_send_timeout", "_url")

    def __init__(self, opener: Opener, url: str, send_timeout: float) -> None:
        self._opener, self._url, self._send_timeout = opener, url, send_timeout
        self._entered: list[ClientWebSocket] = []
        self._blocking: list[BlockingWebSocket] = []

    def open(self) -> BlockingWebSocket:
        """Opens a socket, and blocks until that is done."""
        return BlockingWebSocket(self._opener.begin(self._url, False).wait(), self._send_timeout)

    async def _open(self, again: bool) -> ClientWebSocket:
        loop = asyncio.get_running_loop()
        opening = self._opener.begin(self._url, again)
        future: asyncio.Future[ClientSocket] = loop.create_future()

        def poll() -> None:
            if future.done():
                return
            try:
                socket = opening.poll()
            except Exception as error:
                future.set_exception(error)
            else:
                if socket is not None:
                    future.set_result(socket)

        loop.add_reader(opening.fileno(), poll)
        try:
            return ClientWebSocket(await future, loop)
        finally:
            loop.remove_reader(opening.fileno())
            opening.cancel()

    def __await__(self) -> Generator[Any, None, ClientWebSocket]:
        return self._open(False).__await__()

    async def __aenter__(self) -> ClientWebSocket:
        ws = await self._open(False)
        self._entered.append(ws)
        return ws

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self._entered.pop().__aexit__(kind, error, traceback)

    async def __aiter__(self) -> AsyncIterator[ClientWebSocket]:
        """A socket, and another one whenever the body of the loop is done with it, until one can't be opened."""
        again = False
        while True:
            async with await self._open(again) as ws:
                yield ws
            again = True

    def __enter__(self) -> BlockingWebSocket:
        ws = self.open()
        self._blocking.append(ws)
        return ws

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._blocking.pop().__exit__(kind, error, traceback)


_HTTP: dict[bool | None, int] = {None: 0, False: 1, True: 2}


def websocket(
    url: str,
    *,
    headers: Fields | None = None,
    protocols: Sequence[str] = (),
    tls: ClientTls | None = None,
    http2: Literal[False, True] | None = None,
    target: str | None = None,
    open_timeout: float | None = None,
    message_limit: int | None = None,
    ping_interval: float | None = None,
    ping_timeout: float | None = None,
    close_timeout: float | None = None,
    send_timeout: float = 30,
    deflate: bool = False,
    deflate_takeover: bool = False,
    attempts: int = 1,
    attempt_wait: float | None = None,
    attempt_most_wait: float | None = None,
) -> WebSocketOpener:
    """Opens a WebSocket to `ws://name:port/path` or `wss://...`.

        async with flare.websocket("wss://example.org/chat") as ws:     # or: ws = await flare.websocket(...)
            await ws.send("hello")
            async for message in ws: ...

        with flare.websocket("wss://example.org/chat") as ws:           # or: ws = flare.websocket(...).open(); for threads
            ws.send("hello")
            for message in ws: ...

        async for ws in flare.websocket("wss://example.org/chat", attempts=10):     # opened again whenever it was lost
            async for message in ws: ...

    headers: fields of the request, such as Authorization, Cookie and Origin. protocols: subprotocols to offer, the best first.
    tls: whom to believe, and who the client is. http2: `None` is HTTP/2 where the server agrees to sockets on it (RFC 8441), else HTTP/1.1;
        True is HTTP/2 alone, False HTTP/1.1 alone. target: what to connect to instead, `name:port` or `unix:/path`.
    open_timeout: seconds for name, addresses, TLS and the server's answer together (10).
    message_limit: the most bytes of a message; more ends the socket with 1009 (1 MiB). deflate, deflate_takeover: as for `App.ws`.
    ping_interval, ping_timeout: a server that sent nothing for so long is sent a Ping (30), and one that sent nothing for so long after it
        is gone (20). close_timeout: how long it may take to answer a Close (10). send_timeout: how long a blocking send waits.
    attempts: how often to try while it may go well later. attempt_wait, attempt_most_wait: how long between, doubled each time, and at most
        (0.5, 30).

    `ConnectError`; `WebSocketRefused`, with the server's answer; `TimeoutError`; `ValueError` for what is wrong with the arguments.
    """
    if isinstance(protocols, str):
        raise TypeError("protocols is a list of names, not one text")
    for each in protocols:
        if "," in each:
            raise ValueError(f"protocols: {each!r} has a comma")
    given: dict[str, str | int | None] = {
        "protocols": ",".join(protocols) or None,
        "http": _HTTP[http2],
        "target": target,
        "open_timeout_ms": milliseconds("open_timeout", open_timeout),
        "message_limit": message_limit,
        "ping_interval_ms": milliseconds("ping_interval", ping_interval),
        "ping_timeout_ms": milliseconds("ping_timeout", ping_timeout),
        "close_timeout_ms": milliseconds("close_timeout", close_timeout),
        "deflate": int(deflate),
        "deflate_takeover": int(deflate_takeover),
        "attempts": attempts,
        "attempt_wait_ms": milliseconds("attempt_wait", attempt_wait),
        "attempt_most_wait_ms": milliseconds("attempt_most_wait", attempt_most_wait),
    }
    settings = [(name, value) for name, value in given.items() if value is not None]
    milliseconds("send_timeout", send_timeout)
    return WebSocketOpener(Opener(headers, settings, None if tls is None else tls._given(())), url, send_timeout)
