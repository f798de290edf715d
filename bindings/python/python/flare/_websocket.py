"""WebSockets (RFC 6455), as programs in a loop see them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, final

from ._log import topics_stay_here
from ._stream import wake

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._flare import Request, Socket

Message = str | bytes
"""A message: `str` is text, `bytes` is binary."""
Sent = str | bytes | bytearray | memoryview
"""A message that is sent: `str` as text, the others as binary."""


class Line(Protocol):
    """One end of a socket, without waiting: what the two kinds of sockets are made of."""

    @property
    def protocol(self) -> str | None: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def has_ended(self) -> bool: ...
    @property
    def ended(self) -> tuple[int, str] | None: ...
    @property
    def is_empty(self) -> bool: ...
    def take(self) -> Message | None: ...
    def when_readable(self, waiting: Callable[[], None]) -> bool: ...
    def forget_reader(self) -> None: ...
    def when_writable(self, waiting: Callable[[], None]) -> bool: ...
    def when_over(self, waiting: Callable[[], None]) -> bool: ...
    def try_send(self, message: Sent) -> bool: ...
    def try_ping(self, data: bytes) -> bool: ...
    def close(self, code: int, reason: str) -> bool: ...


class WebSocketClosed(ConnectionError):
    """The socket is closing or gone."""

    def __init__(self, code: int | None, reason: str) -> None:
        text = "the socket is closing" if code is None else f"the socket ended with {code}{f': {reason}' if reason else ''}"
        super().__init__(text)
        self.code = code
        """The close code (RFC 6455, 7.4.1): the peer's, or that of its mistake; 1005: it gave none, 1006: it left without goodbye. `None`:
        only this end has begun to close."""
        self.reason = reason
        """In the peer's words, or what it did wrong; may be empty."""


class WebSocketBase:
    """What sockets of both sides have in common."""

    __slots__ = ("__weakref__", "_line", "_loop", "_reads", "_state", "_waits")

    def __init__(self, line: Line) -> None:
        self._line = line
        # Whether somebody reads, and how many wait for something else: they get to know the end.
        self._reads, self._waits = False, 0
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._state: dict[str, Any] = {}

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed."""
        return self._line.protocol

    @property
    def is_open(self) -> bool:
        """Whether messages are still taken."""
        return self._line.is_open

    @property
    def close_code(self) -> int | None:
        """How it ended, as `WebSocketClosed.code`; `None` while it has not."""
        ended = self._line.ended
        return None if ended is None else ended[0]

    @property
    def close_reason(self) -> str:
        """Why it ended, in the peer's words, or what that did wrong."""
        ended = self._line.ended
        return "" if ended is None else ended[1]

    @property
    def state(self) -> dict[str, Any]:
        """Whatever the program wants to keep with the socket."""
        return self._state

    # ---- what waits

    async def receive(self) -> Message:
        """The next message: `str` or `bytes`. `WebSocketClosed` when there will be no more; those that came before are given first.

        While nobody takes messages, only about 64 KiB of them are read from the peer.
        """
        self._reads = True
        while True:
            message = self._line.take()
            if message is not None:
                return message
            if self._line.has_ended:
                raise self._closed()
            future = self._future()
            if self._line.when_readable(partial(wake, future)):
                try:
                    await future
                finally:
                    self._line.forget_reader()
            elif not self._line.has_ended and self._line.is_empty:
                raise RuntimeError("another task waits for the next message of this socket")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except WebSocketClosed:
            raise StopAsyncIteration from None

    async def send(self, message: Sent) -> None:
        """Sends a message, whole: `str` as text, bytes as binary. Waits while so much is under way that the peer has to take some first.

        `WebSocketClosed` when the socket is closing or gone. When it returns the message is on its way; the peer may not have it yet.
        """
        while not self._line.try_send(message):
            await self._until(self._line.when_writable)

    async def ping(self, data: bytes = b"") -> None:
        """Sends a Ping of at most 125 bytes. Those that find out whether the peer lives are sent without it."""
        while not self._line.try_ping(data):
            await self._until(self._line.when_writable)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Sends a Close behind what was sent, and waits for the peer's, at most `close_timeout`.

        Messages that come meanwhile are dropped.
        code: 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, 7.4). reason: at most 123 bytes.
        """
        self._line.close(code, reason)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Waits for the end of the socket. It comes when the messages before it were taken, or at once when the peer is cut off."""
        while not self._line.has_ended:
            await self._until(self._line.when_over)

    # ---- what does not wait

    def try_send(self, message: Sent) -> bool:
        """Sends a message if it is taken now; else False, and the peer has to take some first. From any thread. Raises as `send` does."""
        return self._line.try_send(message)

    def begin_close(self, code: int = 1000, reason: str = "") -> bool:
        """Begins to close as `close` does, and does not wait. False: it was closing before, or is gone. From any thread."""
        return self._line.close(code, reason)

    def _closed(self) -> WebSocketClosed:
        return WebSocketClosed(*(self._line.ended or (None, "")))

    def _future(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            raise RuntimeError("this socket belongs to another loop: only try_send() and the like may be called from here")
        return loop.create_future()

    async def _until(self, register: Callable[[Callable[[], None]], bool]) -> None:
        future = self._future()
        if register(partial(wake, future)):
            self._waits += 1
            try:
                await future
            finally:
                self._waits -= 1


@final
class WebSocket(WebSocketBase):
    """A WebSocket that a client has opened: `async for message in ws`, `await ws.send(message)`, `await ws.close()`.

    What waits (`receive`, `send`, `ping`, `close` and iterating) belongs into the loop of the server; the rest may be called from any
    thread. It may be kept behind its end: then it only refuses.
    """

    __slots__ = ("_socket",)

    def __init__(self, socket: Socket) -> None:
        super().__init__(socket)
        self._socket = socket

    @property
    def request(self) -> Request:
        """The request that opened it: path, params, query, headers, cookies, client."""
        return self._socket.request

    # ---- topics

    def subscribe(self, topic: str) -> None:
        """Gets what is published on a topic from now on, in this process. Whoever lets clients name topics must bound their number.

        Where the server has several worker processes, the log warns once that none of them hears what is published in another.
        """
        topics_stay_here()
        self._socket.subscribe(topic)

    def unsubscribe(self, topic: str) -> None:
        """Gets no more of it."""
        self._socket.unsubscribe(topic)

    def publish(self, topic: str, message: Sent) -> bool:
        """Sends a message to all sockets of a topic of this server (this process), this one too if it is there. It is encoded once.

        False: so much waits already that it was not sent, or the server has ended. A socket that has not taken what was sent to it before
            misses it, and counts that: `missed`.
        """
        return self._socket.publish(topic, message)

    @property
    def missed(self) -> int:
        """How many publications it has missed."""
        return self._socket.missed

    def __repr__(self) -> str:
        return f"<flare.WebSocket {self.request.path} {'open' if self.is_open else 'closed'}>"
