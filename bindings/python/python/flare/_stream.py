"""Content that flows, in a loop of asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial

from ._flare import Request

Piece = str | bytes | bytearray | memoryview

# So many pieces of a plain iterator are sent before others get their turn.
_PIECES = 32


def wake(future: asyncio.Future[None]) -> None:
    """Lets who waits for it go on."""
    if not future.done():
        future.set_result(None)


async def until(register: Callable[[Callable[[], None]], None]) -> None:
    """Waits until what it registers for has happened."""
    future = asyncio.get_running_loop().create_future()
    register(partial(wake, future))
    await future


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """The content of a request as it comes."""
    if not request._streaming:
        if request.body:
            yield request.body
        return
    while True:
        chunk = request._read()
        if chunk is None:
            await until(request._when_readable)
        elif chunk:
            yield chunk
        else:
            return


async def _send(request: Request, piece: Piece) -> None:
    while not request._write(piece):
        await until(request._when_writable)


async def pump(request: Request, iterator: AsyncIterator[Piece] | Iterator[Piece], bare: bool) -> None:
    """Sends what an iterator gives, as the client takes it. The iterator is closed when nobody wants more of it."""
    if isinstance(iterator, AsyncIterator) or hasattr(iterator, "__aiter__"):
        try:
            async for piece in iterator:
                if bare:
                    request._name_type(piece)
                    bare = False
                await _send(request, piece)
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()
    else:
        try:
            for count, piece in enumerate(iterator, 1):
                if bare:
                    request._name_type(piece)
                    bare = False
                await _send(request, piece)
                if count % _PIECES == 0:
                    await asyncio.sleep(0)
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
    request._finish()
