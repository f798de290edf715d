"""What signals do to the servers of a process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ._log import logger

if TYPE_CHECKING:
    from .server import HostServer


class Running:
    """Servers that run. Any thread may add one."""

    def __init__(self, *servers: HostServer) -> None:
        # A signal may come while the main thread has it.
        self._lock = threading.RLock()
        self._servers = list(servers)
        self._asked = 0

    def add(self, server: HostServer) -> int:
        """Another server. How many there are; 0 when they were asked to end before, and this one is now."""
        with self._lock:
            self._servers.append(server)
            asked, count = self._asked, len(self._servers)
        if asked:
            _drain(server, asked)
            return 0
        return count

    def end(self) -> None:
        """The first call drains them, the second cuts what still runs."""
        with self._lock:
            self._asked += 1
            asked, servers = self._asked, list(self._servers)
        for server in servers:
            _drain(server, asked)

    def reload(self) -> None:
        """They read their certificates again. With a wrong file everything stays as it was."""
        with self._lock:
            servers = list(self._servers)
        try:
            for server in servers:
                server.reload_tls()
        except ValueError as error:
            logger.error("certificates not taken: %s", error)
        else:
            logger.info("certificates taken")


def _drain(server: HostServer, asked: int) -> None:
    server.drain(None if asked == 1 else 0)
