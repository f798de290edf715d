"""What runs for a WebSocket that a client has opened."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from ._flare import Socket
from ._log import failed
from ._websocket import WebSocket, WebSocketClosed

SocketHandler = Callable[[WebSocket], Awaitable[object]]


async def _run(handler: SocketHandler, ws: WebSocket) -> None:
    """The life of a socket in its function. The end of one is the end of the other."""
    socket = ws._socket
    try:
        await handler(ws)
    except asyncio.CancelledError:
        socket.close(1001, "")
        raise
    except BaseException as error:
        # That the client is gone is no failure of the handler.
        if not (isinstance(error, WebSocketClosed) and not socket.is_open):
            failed(ws.request, error)
        socket.close(1011, "")
        if not isinstance(error, Exception):
            raise
    else:
        socket.close(1000, "")


if sys.version_info >= (3, 12):

    def _task(loop: asyncio.AbstractEventLoop, awaitable: Any) -> asyncio.Task[None]:
        return asyncio.Task(awaitable, loop=loop, eager_start=True)

else:

    def _task(loop: asyncio.AbstractEventLoop, awaitable: Any) -> asyncio.Task[None]:
        return asyncio.Task(awaitable, loop=loop)


def start(socket: Socket, handler: SocketHandler) -> None:
    """Runs a function for a socket, as a task. A task that waits for the socket gets to know its end; another one is cancelled."""
    ws = WebSocket(socket)
    loop = asyncio.get_running_loop()
    task = _task(loop, _run(handler, ws))

    def over() -> None:
        if task.done():
            return
        if ws._reads or ws._waits or not socket.is_empty:
            late = loop.call_later(socket.close_timeout, task.cancel)
            task.add_done_callback(lambda _: late.cancel())
        else:
            task.cancel()

    if not task.done() and not socket.when_over(over):
        over()


class _Callbacks:
    """Tells the methods of an object what happens to a socket."""

    __slots__ = ("_close", "_message", "_writable", "_ws")

    def __init__(self, ws: WebSocket, handler: object) -> None:
        self._ws = ws
        self._message: Callable[[WebSocket, Any], object] | None = getattr(handler, "message", None)
        self._writable: Callable[[WebSocket], object] | None = getattr(handler, "writable", None)
        self._close: Callable[[WebSocket, int, str], object] | None = getattr(handler, "close", None)

    def __call__(self) -> None:
        ws, socket = self._ws, self._ws._socket
        while (message := socket.take()) is not None:
            if self._message is not None:
                self.call(self._message, ws, message)
        if socket.take_writable() and self._writable is not None:
            self.call(self._writable, ws)
        ended = socket.ended
        if ended is not None and self._close is not None:
            self.call(self._close, ws, *ended)

    def call(self, method: Callable[..., object], *arguments: object) -> None:
        try:
            method(*arguments)
        except BaseException as error:
            ws = self._ws
            # Of a handler that failed nothing is asked any more but to clean up.
            self._message = self._writable = None
            if not (isinstance(error, WebSocketClosed) and not ws.is_open):
                failed(ws.request, error)
            ws._socket.close(1011, "")
            if not isinstance(error, Exception):
                raise


def start_callbacks(socket: Socket, target: Callable[[], object]) -> None:
    """Makes an object for a socket, whose methods are called for what happens to it."""
    ws = WebSocket(socket)
    try:
        handler = target()
        opened = getattr(handler, "open", None)
        told = _Callbacks(ws, handler)
    except BaseException as error:
        failed(ws.request, error)
        socket.close(1011, "")
        if not isinstance(error, Exception):
            raise
        return
    if opened is not None:
        told.call(opened, ws)
    socket.listen(told)
