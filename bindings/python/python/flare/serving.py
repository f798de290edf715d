"""A server in a running loop of asyncio or uvloop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

from ._flare import Report, Request, Server
from ._stream import pump
from .server import HostServer

_WAIT, _MORE, _OVER = range(3)


async def _drive(request: Request, awaitable: Awaitable[Any]) -> None:
    """Waits for a handler's coroutine, and answers with what it gives."""
    try:
        rest = request._answer(await awaitable)
        if rest is not None:
            await pump(request, *rest)
    except asyncio.CancelledError:
        request._abandon()
        raise
    except BaseException as error:
        request._fail(error)


if sys.version_info >= (3, 12):

    def _start(loop: asyncio.AbstractEventLoop, request: Request, awaitable: Awaitable[Any]) -> None:
        # Many handlers end without waiting for anything: those never see the loop.
        task = asyncio.Task(_drive(request, awaitable), loop=loop, eager_start=True)
        if not task.done():
            request._when_over(task.cancel)

else:

    def _start(loop: asyncio.AbstractEventLoop, request: Request, awaitable: Awaitable[Any]) -> None:
        task = asyncio.Task(_drive(request, awaitable), loop=loop)
        request._when_over(task.cancel)


class Serving(HostServer):
    """A server in the running loop of asyncio or uvloop, with no thread of its own.

        async with app.serving("127.0.0.1", 8080) as server:
            await server.wait()

    At the end of the block the server drains: running exchanges get the setting `drain_timeout`.
    """

    __slots__ = ("_ended", "_loop", "_make")

    def __init__(self, make: Callable[[], Server]) -> None:
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Serving:
        if self._loop is not None:
            raise RuntimeError("this server was started before")
        self._loop = loop = asyncio.get_running_loop()
        self._server = self._make()
        self._ended: asyncio.Future[Report] = loop.create_future()
        self._server.set_spawn(lambda request, awaitable: _start(loop, request, awaitable))
        loop.add_reader(self._server.fileno(), self._turn)
        return self

    def _turn(self) -> None:
        turn = self._server._turn()
        if turn == _WAIT:
            return
        assert self._loop is not None
        if turn == _MORE:
            self._loop.call_soon(self._turn)
            return
        self._loop.remove_reader(self._server.fileno())
        report = self._server.report
        if report is not None and not self._ended.done():
            self._ended.set_result(report)

    async def wait(self) -> Report:
        """Waits for the end of the server, which `drain` asks for, and says how it ended."""
        return await asyncio.shield(self._ended)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        # Who leaves by an exception, as a cancelled task does, does not wait for others.
        self.drain(0 if error is not None else None)
        await self.wait()
