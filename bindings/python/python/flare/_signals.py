"""The end of a server by signal, and new certificates by SIGHUP."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any


class Signals:
    """Calls a function for SIGINT and SIGTERM while it is entered, and wakes the loop of the main thread; another, if given, for SIGHUP.

    Elsewhere than in the main thread, where Python takes no signals, it does nothing.
    """

    def __init__(self, asked: Callable[[], None], reload: Callable[[], None] | None = None) -> None:
        self._calls = _calls(asked, reload)
        self._before: dict[int, Any] = {}
        self._wakeup = -1
        self._pair: tuple[socket.socket, socket.socket] | None = None

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            # The system may give a signal to any thread: a descriptor wakes the one that waits.
            self._pair = reader, writer = socket.socketpair()
            reader.setblocking(False)
            writer.setblocking(False)
            self._wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            for number in self._calls:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._calls[number]()

    def fileno(self) -> int:
        """Readable after a signal; -1 where there are none."""
        return self._pair[0].fileno() if self._pair else -1

    def forget(self) -> None:
        """What woke the loop has been seen."""
        if self._pair:
            with suppress(BlockingIOError):
                self._pair[0].recv(4096)

    def __exit__(self, *_: object) -> None:
        if self._pair:
            signal.set_wakeup_fd(self._wakeup)
            for number, handler in self._before.items():
                signal.signal(number, handler)
            for end in self._pair:
                end.close()
            self._pair = None


def _calls(asked: Callable[[], None], reload: Callable[[], None] | None) -> dict[int, Callable[[], None]]:
    calls: dict[int, Callable[[], None]] = {signal.SIGINT: asked, signal.SIGTERM: asked}
    return calls if reload is None else {**calls, signal.SIGHUP: reload}


@contextmanager
def watched_by_loop(asked: Callable[[], None], reload: Callable[[], None] | None = None) -> Iterator[None]:
    """The same in the running loop of asyncio."""
    loop = asyncio.get_running_loop()
    calls = _calls(asked, reload) if threading.current_thread() is threading.main_thread() else {}
    for number, call in calls.items():
        loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        for number in calls:
            loop.remove_signal_handler(number)
