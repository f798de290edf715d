"""Workers that are threads of one process: for a Python without the GIL, where they run at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ._flare import Report
from ._log import one_of
from ._running import Running
from ._signals import Signals

if TYPE_CHECKING:
    from .app import App, Loop
    from .server import HostServer
    from .tls import Tls


class Threads:
    """The threads of one program. Each has a server of its own on the shared port, and a loop where handlers need one."""

    def __init__(self, app: App, address: str, count: int, loop: Loop, tls: Tls | None) -> None:
        self._app, self._address, self._count, self._loop, self._tls = app, address, count, loop, tls
        self._running = Running()
        self._lock = threading.Lock()
        self._reports: list[Report] = []
        self._error: BaseException | None = None

    def run(self, started: Callable[[], None]) -> Report:
        """Runs until SIGTERM or SIGINT; the sum of how the workers ended. What one of them raises ends all, and is raised."""
        self._started = started
        threads = [threading.Thread(target=self._work, name=f"flare-{number}") for number in range(self._count)]
        one_of(self._count)
        try:
            with Signals(self._running.end, None if self._tls is None else self._running.reload):
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        finally:
            one_of(1)
        if self._error is not None:
            raise self._error
        return Report(
            sum(report.requests for report in self._reports),
            sum(report.finished for report in self._reports),
            sum(report.aborted for report in self._reports),
        )

    def _work(self) -> None:
        try:
            report = self._app._run_worker(self._address, self._loop, self._tls, self._listens)
        except BaseException as error:
            with self._lock:
                self._error = self._error or error
            self._running.end()
        else:
            with self._lock:
                self._reports.append(report)

    def _listens(self, server: HostServer) -> None:
        if self._running.add(server) == self._count:
            self._started()
