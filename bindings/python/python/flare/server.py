"""A server in a loop of the program's own."""

from __future__ import annotations

from ._flare import Report, Server


class HostServer:
    """A server that lives in a loop of the program's own: epoll, a game, another library.

    Watch `fileno()` for readability, level-triggered, and call `poll()` when it is readable: the descriptor shows input, output, wake-ups
    of other threads and deadlines. Handlers run inside `poll`, on that thread. Everything but `poll` may be called from any thread.
    """

    __slots__ = ("__weakref__", "_server")

    def __init__(self, server: Server) -> None:
        self._server = server

    def fileno(self) -> int:
        """The descriptor to watch; never read or close it."""
        return self._server.fileno()

    def poll(self, budget: int = 256) -> bool:
        """Does what there is, at most `budget` pieces of work, and never waits. True: there is more to do at once."""
        return self._server.poll(budget)

    @property
    def addresses(self) -> list[str]:
        """Where it listens, with the ports that were found for port 0."""
        return self._server.addresses

    @property
    def address(self) -> str:
        """The first address."""
        return self._server.addresses[0]

    def drain(self, timeout: float | None = None) -> None:
        """Begins to end the server: nothing is accepted, idle connections close, running exchanges get so many seconds.

        Returns at once. `None`: the setting `drain_timeout`. A second call can only shorten the time.
        """
        self._server.drain(self._server.drain_timeout if timeout is None else timeout)

    def publish(self, topic: str, message: str | bytes | bytearray | memoryview) -> bool:
        """Sends a message to all WebSockets of a topic, as `WebSocket.publish`, from outside of them."""
        return self._server.publish(topic, message)

    def reload_tls(self) -> None:
        """Reads the files of certificates and keys again. New connections get them; those that are there go on.

        Waits for the disk. `ValueError` when a file is wrong, `RuntimeError` without TLS; everything stays as it was then.
        """
        self._server.reload_tls()

    @property
    def report(self) -> Report | None:
        """How the server ended; `None` while it has not."""
        return self._server.report

    def stats(self) -> dict[str, int]:
        """What the server has done so far: requests, answers, connections, bytes."""
        return self._server.stats()
