"""Workers that are processes: started, restarted when one crashes, ended together."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Literal

from ._flare import Report
from ._log import logger, one_of
from ._signals import Signals

if TYPE_CHECKING:
    from .app import App, Loop
    from .tls import Tls

Start = Literal["spawn", "fork", "thread"]

# A worker that ends sooner than this after its start has not worked; after so many in a row the rest gives up too.
_QUICK = 1.0
_MOST_QUICK = 5


@dataclass
class _Worker:
    number: int
    process: BaseProcess
    messages: Connection
    began: float
    listens: bool = False
    reload_due: bool = False

    def reload(self) -> None:
        """Has it read its certificates again. Before it listens the signal would end it, and it may have read the old files: then later."""
        self.reload_due = not self.listens
        if self.listens and self.process.pid is not None and self.process.exitcode is None:
            os.kill(self.process.pid, signal.SIGHUP)


def reserve(address: str) -> tuple[str, socket.socket]:
    """Takes a TCP address for all workers of this program, and nobody else. The socket must be kept; it never listens."""
    host, _, port = address.rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, name = found[0]
    with socket.socket(family, kind, protocol) as alone:
        # Without the option to share, the system says when somebody else is there.
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind(name)
        name = alone.getsockname()
    held = socket.socket(family, kind, protocol)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(name)
    return (f"[{name[0]}]:{name[1]}" if family == socket.AF_INET6 else f"{name[0]}:{name[1]}"), held


def _work(app: App, address: str, loop: Loop, tls: Tls | None, level: int | None, count: int, messages: Connection) -> None:
    """The life of one of so many workers."""
    if sys.platform == "linux":
        # When the program that started it is killed, nobody would end it. 1: PR_SET_PDEATHSIG.
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    # Ctrl-C reaches all processes of a terminal; the first one tells the others what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if level is not None:
        logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s")
    one_of(count)
    report = app._run_worker(address, loop, tls, lambda _: messages.send("listening"))
    messages.send((report.requests, report.finished, report.aborted))


class Workers:
    """The workers of one program."""

    def __init__(self, app: App, address: str, count: int, start: Start, loop: Loop, tls: Tls | None, level: int | None) -> None:
        self._app, self._address, self._count, self._loop, self._tls, self._level = app, address, count, loop, tls, level
        self._context: Any = multiprocessing.get_context(start)
        self._workers: dict[int, _Worker] = {}
        self._asked = False
        self._quick = 0
        self._reports: list[tuple[int, int, int]] = []
        self._listening = 0

    def run(self, started: Callable[[], None]) -> Report:
        """Runs until SIGTERM or SIGINT; the sum of how the workers ended."""
        with Signals(self._ask, None if self._tls is None else self._reload) as signals:
            for number in range(self._count):
                self._begin(number)
            while self._workers:
                self._wait(signals)
                if started is not None and self._listening == self._count:
                    started()
                    self._listening += 1  # once
        return Report(*(sum(column) for column in zip(*self._reports, strict=True))) if self._reports else Report(0, 0, 0)

    def _begin(self, number: int) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        arguments = (self._app, self._address, self._loop, self._tls, self._level, self._count, theirs)
        process = self._context.Process(target=_work, args=arguments, name=f"flare-{number}", daemon=False)
        process.start()
        theirs.close()
        self._workers[number] = _Worker(number, process, ours, time.monotonic())

    def _ask(self) -> None:
        """Drains all workers; a second time cuts what still runs in them."""
        self._asked = True
        for worker in self._workers.values():
            worker.process.terminate()

    def _reload(self) -> None:
        """Has all workers read their certificates again."""
        for worker in self._workers.values():
            worker.reload()

    def _wait(self, signals: Signals) -> None:
        sources: list[Any] = [signals.fileno()] if signals.fileno() >= 0 else []
        for worker in self._workers.values():
            sources += [worker.process.sentinel, worker.messages]
        wait(sources)
        signals.forget()
        for worker in list(self._workers.values()):
            self._read(worker)
            if worker.process.exitcode is not None:
                # What it said last may have come since.
                self._read(worker)
                self._ended(worker)

    def _read(self, worker: _Worker) -> None:
        try:
            while worker.messages.poll():
                message = worker.messages.recv()
                if message == "listening":
                    self._listening += 1
                    worker.listens = True
                    if worker.reload_due:
                        worker.reload()
                else:
                    self._reports.append(message)
        except (EOFError, OSError):
            pass

    def _ended(self, worker: _Worker) -> None:
        worker.process.join()
        worker.messages.close()
        del self._workers[worker.number]
        if self._asked:
            return
        code = worker.process.exitcode
        how = f"status {code}" if code is None or code >= 0 else f"signal {signal.Signals(-code).name}"
        self._quick = self._quick + 1 if time.monotonic() - worker.began < _QUICK else 0
        if self._quick >= _MOST_QUICK:
            logger.critical("worker %d ended at once again (%s): giving up", worker.number, how)
            self._ask()
            return
        logger.error("worker %d (process %d) ended with %s: starting another", worker.number, worker.process.pid, how)
        self._begin(worker.number)
