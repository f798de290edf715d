"""Datagrams of a request (RFC 9297), in a loop of asyncio."""

from __future__ import annotations

from types import TracebackType
from typing import final

from ._flare import Request
from ._stream import Piece, until


@final
class Datagrams:
    """A stream of datagrams in place of an answer, made by `Request.datagrams`.

        async with request.datagrams("echo") as datagrams:
            async for datagram in datagrams:
                datagrams.send(datagram)

    Entering accepts the protocol: `ValueError` when the client does not offer it, and the request can still be answered. Leaving closes the
    stream; an exception cuts it. When the client leaves, the handler is cancelled, as always.

    Datagrams are unreliable: one may be lost, or come before another that was sent first. They travel as QUIC DATAGRAM frames where both
    ends of an HTTP/3 connection agreed on that (the setting `http3_datagrams`), otherwise as capsules in the byte stream. Of those that
    nobody takes 128 and 128 KiB wait, more are dropped.
    """

    __slots__ = ("_protocol", "_request")

    def __init__(self, request: Request, protocol: str) -> None:
        self._request, self._protocol = request, protocol

    @property
    def request(self) -> Request:
        """The request."""
        return self._request

    @property
    def max_size(self) -> int:
        """The most bytes that a datagram to the client may have now. It changes with the path to the client."""
        return self._request._max_datagram_size()

    async def __aenter__(self) -> Datagrams:
        self._request._switch_to_datagrams(self._protocol)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is None:
            self._request._finish()

    def send(self, datagram: Piece) -> bool:
        """Sends a datagram; a `str` as UTF-8. That it was taken does not say that it arrives.

        False: so many wait for the client that it was not taken; send a newer one later. `ValueError` when it is larger than `max_size`.
        """
        return self._request._send_datagram(datagram)

    async def receive(self) -> bytes | None:
        """The next datagram. None: the client has closed its side."""
        while True:
            datagram = self._request._read_datagram()
            if datagram is not None:
                return datagram
            if self._request._read() is not None:
                return None
            await until(self._request._when_readable)

    def __aiter__(self) -> Datagrams:
        return self

    async def __anext__(self) -> bytes:
        datagram = await self.receive()
        if datagram is None:
            raise StopAsyncIteration
        return datagram
