"""The client of `client.py` in a loop of asyncio or uvloop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._exchanges import Asked, AsyncContent, ClientError, Exchange, Exchanges, Fields
from ._flare import Link
from ._stream import wake
from .client import ClientResponse, ClientSettings, ServerSession, StreamHead

if TYPE_CHECKING:
    from typing_extensions import Self

# So many events are taken before others get the loop.
_EVENTS = 64


class Wire(Exchanges):
    """A connection in a loop, which watches it."""

    __slots__ = ("_loop", "_reads", "_scheduled", "_turns", "_writes", "over")

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(link)
        self._loop = loop
        self._reads = self._writes = self._scheduled = self.over = False
        # Requests that wait until the connection takes another.
        self._turns: deque[asyncio.Future[None]] = deque()
        self.kick()

    def kick(self) -> None:
        """Something was told to the connection: has it work, soon."""
        if not self._scheduled and not self.over:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if self.over:
            return
        try:
            for _ in range(_EVENTS):
                event = self.link.next_event(0)
                if event is None:
                    break
                if not self.take(event):
                    self.end(ClientError("the connection ended before the answer did"))
                    return
            else:
                self.kick()
        except OSError as error:
            self.end(ClientError(str(error)))
            return
        self._watch(self.link.wants_read, self.link.wants_write)

    def _watch(self, reads: bool, writes: bool) -> None:
        if reads != self._reads:
            self._reads = reads
            if reads:
                self._loop.add_reader(self.link.fileno(), self._turn)
            else:
                self._loop.remove_reader(self.link.fileno())
        if writes != self._writes:
            self._writes = writes
            if writes:
                self._loop.add_writer(self.link.fileno(), self._turn)
            else:
                self._loop.remove_writer(self.link.fileno())

    async def turn(self) -> None:
        """Waits until the connection may take another request."""
        future = self._loop.create_future()
        self._turns.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                # It was this one's turn, which is another's now.
                self.closed_one()
            raise

    def closed_one(self) -> None:
        self.kick()
        while self._turns:
            future = self._turns.popleft()
            if not future.done():
                future.set_result(None)
                return

    def end(self, why: ClientError) -> None:
        if self.over:
            return
        super().end(why)
        self.over = True
        if not self._loop.is_closed():
            self._watch(False, False)
        while self._turns:
            wake(self._turns.popleft())


async def _connect(connecting: Any, loop: asyncio.AbstractEventLoop) -> Link:
    """Waits for a connection."""
    future: asyncio.Future[Link] = loop.create_future()

    def poll() -> None:
        if future.done():
            return
        try:
            link = connecting.poll()
        except Exception as error:
            future.set_exception(error)
        else:
            if link is not None:
                future.set_result(link)

    loop.add_reader(connecting.fileno(), poll)
    try:
        return await future
    finally:
        loop.remove_reader(connecting.fileno())
        connecting.cancel()


async def _changed(exchange: Exchange, deadline: float | None) -> None:
    """Waits until something comes, or somebody fails it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    exchange.waiting.append(partial(wake, future))
    if deadline is None:
        await future
        return
    try:
        await asyncio.wait_for(future, deadline - loop.time())
    except asyncio.TimeoutError:
        raise TimeoutError("there was no answer in time") from None


async def _send(wire: Wire, exchange: Exchange, pieces: Any) -> None:
    """Sends the content of a request, as the server takes it. What its iterator raises, the request raises."""
    try:
        if hasattr(pieces, "__aiter__"):
            async for piece in pieces:
                if not await _give(wire, exchange, piece):
                    return
        else:
            for piece in pieces:
                if not await _give(wire, exchange, piece):
                    return
        exchange.finish()
        wire.kick()
    except Exception as error:
        exchange.fail(error)
        exchange.tell()
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


async def _give(wire: Wire, exchange: Exchange, piece: Any) -> bool:
    """Sends a piece. False: nobody wants it any more."""
    while not exchange.is_over:
        taken = exchange.write(piece)
        wire.kick()
        if taken:
            # A server that takes all at once must not keep the loop from others, nor from what it says itself.
            await asyncio.sleep(0)
            return True
        if taken is None:
            return False
        while exchange.refused and not exchange.is_over:
            await _changed(exchange, None)
    return False


class AsyncClientStream(StreamHead):
    """An answer whose content comes while one iterates over it: `async with client.stream("GET", "/big") as answer`.

    The server is not read faster than that. What is left at the end of the block is given up: on HTTP/1.1 with the connection.
    """

    __slots__ = ("_asked", "_client", "_sender", "_timeout", "_wire")

    def __init__(self, client: AsyncClient, asked: Asked, timeout: float) -> None:
        self._client, self._asked, self._timeout = client, asked, timeout

    async def __aenter__(self) -> Self:
        deadline = asyncio.get_running_loop().time() + self._timeout
        self._wire, self._exchange, self._sender = await self._client._begin(self._asked, deadline)
        try:
            while self._exchange.status is None and self._exchange.failure is None:
                await _changed(self._exchange, deadline)
            if self._exchange.status is None and self._exchange.failure is not None:
                raise self._exchange.failure
        except BaseException:
            await self._end()
            raise
        return self

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The content as it comes; each part within `timeout`."""
        loop, exchange = asyncio.get_running_loop(), self._exchange
        while True:
            part = exchange.part()
            if part is not None:
                self._wire.kick()
                yield part
            elif exchange.failure is not None:
                raise exchange.failure
            elif exchange.ended:
                return
            else:
                await _changed(exchange, loop.time() + self._timeout)

    async def read(self) -> bytes:
        """The content that is left, whole. ClientError when it is longer than `max_content`."""
        collected = bytearray()
        async for part in self:
            if len(collected) + len(part) > self._client._max_content:
                raise self._client._too_long()
            collected += part
        return bytes(collected)

    async def _end(self) -> None:
        self._exchange.close()
        if self._sender is not None and not self._sender.done():
            self._sender.cancel()
            await asyncio.wait([self._sender])

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self._end()


class AsyncClient(ClientSettings):
    """A client of one server in a loop of asyncio or uvloop: `async with flare.AsyncClient("https://example.org") as client`.

    It has one connection at a time: made for the first request, and made anew when the server has ended it. HTTP/1.1 runs one request
    after another, so others wait for their turn; HTTP/2 and HTTP/3 run them side by side. A request whose task is cancelled is given
    up: on HTTP/1.1 with the connection. What is sent once is never sent again: a request that was lost is a `RequestFailed`.
    """

    _wire: Wire | None = None
    _making: asyncio.Task[Wire] | None = None

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: Fields | None = None,
        content: AsyncContent | None = None,
        json: Any = None,
        timeout: float | None = None,
    ) -> ClientResponse:
        """Sends a request and waits for the whole answer, of any status.

        target: `/path?query`. content: str, bytes, or an iterable of these, also an asynchronous one, which is sent as it comes.
        json: a value that becomes the content. timeout: in seconds; the default is the client's.
        `ConnectError`, `RequestFailed`, `TimeoutError`, and the `ClientError` that the first two are.
        """
        limit = self._timeout if timeout is None else timeout
        deadline = asyncio.get_running_loop().time() + limit
        stream = AsyncClientStream(self, Asked(method, target, headers, content, json), limit)
        stream._wire, stream._exchange, stream._sender = wire, exchange, _ = await self._begin(stream._asked, deadline)
        collected = bytearray()
        try:
            while True:
                part = exchange.part()
                if part is not None:
                    if len(collected) + len(part) > self._max_content:
                        raise self._too_long()
                    collected += part
                    wire.kick()
                elif exchange.failure is not None:
                    raise exchange.failure
                elif exchange.ended:
                    return ClientResponse(exchange, bytes(collected))
                else:
                    await _changed(exchange, deadline)
        finally:
            await stream._end()

    async def get(self, target: str, **options: Any) -> ClientResponse:
        """GET. Options as for `request`."""
        return await self.request("GET", target, **options)

    async def head(self, target: str, **options: Any) -> ClientResponse:
        """HEAD. Options as for `request`."""
        return await self.request("HEAD", target, **options)

    async def post(self, target: str, **options: Any) -> ClientResponse:
        """POST. Options as for `request`."""
        return await self.request("POST", target, **options)

    async def put(self, target: str, **options: Any) -> ClientResponse:
        """PUT. Options as for `request`."""
        return await self.request("PUT", target, **options)

    async def patch(self, target: str, **options: Any) -> ClientResponse:
        """PATCH. Options as for `request`."""
        return await self.request("PATCH", target, **options)

    async def delete(self, target: str, **options: Any) -> ClientResponse:
        """DELETE. Options as for `request`."""
        return await self.request("DELETE", target, **options)

    def stream(
        self,
        method: str,
        target: str,
        *,
        headers: Fields | None = None,
        content: AsyncContent | None = None,
        json: Any = None,
        timeout: float | None = None,
    ) -> AsyncClientStream:
        """Sends a request, and gives its answer at its head: `async with client.stream("GET", "/big") as answer`.

        Options are those of `request`. Content goes on being sent while one iterates over the answer.
        """
        return AsyncClientStream(self, Asked(method, target, headers, content, json), self._timeout if timeout is None else timeout)

    @property
    def tls(self) -> ServerSession | None:
        """What was agreed on the connection that is open; `None` without one, or without TLS."""
        agreed = None if self._wire is None else self._wire.link.tls
        return None if agreed is None else ServerSession(*agreed)

    async def close(self) -> None:
        """Ends the connection, and all that runs on it."""
        self._closed = True
        if self._making is not None:
            self._making.cancel()
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.end(ClientError("the client was closed"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()

    # ---- steps

    async def _connected(self, deadline: float) -> Wire:
        """The connection, made if there is none that goes on. All who need one wait for the same."""
        loop = asyncio.get_running_loop()
        if self._closed:
            raise RuntimeError("the client is closed")
        if self._wire is not None and not self._wire.over:
            if self._wire._loop is not loop:
                raise RuntimeError("this client belongs to another loop")
            return self._wire
        if self._making is None:
            self._making = loop.create_task(self._make(loop))
        making = self._making
        try:
            return await asyncio.wait_for(asyncio.shield(making), deadline - loop.time())
        except asyncio.TimeoutError:
            if making.done():
                raise
            raise TimeoutError("there was no connection in time") from None
        except asyncio.CancelledError:
            if self._closed and making.cancelled():
                raise ClientError("the client was closed") from None
            raise

    async def _make(self, loop: asyncio.AbstractEventLoop) -> Wire:
        try:
            link = await _connect(self._connector.begin(self._origin.target, self._version), loop)
            self._wire = wire = Wire(link, loop)
            return wire
        finally:
            self._making = None

    async def _begin(self, asked: Asked, deadline: float) -> tuple[Wire, Exchange, asyncio.Task[None] | None]:
        loop = asyncio.get_running_loop()
        pieces = None if asked.content is None else asked.pieces()
        while True:
            wire = await self._connected(deadline)
            exchange = wire.open(self._origin, asked)
            if isinstance(exchange, Exchange):
                wire.kick()
                sender = None if pieces is None else loop.create_task(_send(wire, exchange, pieces))
                return wire, exchange, sender
            if exchange is None and not wire.over:
                try:
                    await asyncio.wait_for(wire.turn(), deadline - loop.time())
                except asyncio.TimeoutError:
                    raise TimeoutError("the connection took no other request in time") from None
            elif self._wire is wire:
                # What runs on it goes on, and it ends behind that.
                self._wire = None
                wire.kick()
