"""The loop of a server whose handlers are all synchronous."""

from __future__ import annotations

import select
from collections.abc import Callable

from ._flare import Report, Server
from ._signals import Signals

_WAIT, _MORE, _OVER = range(3)


def run(server: Server, started: Callable[[], None], drain: Callable[[], None], reload: Callable[[], None] | None) -> Report:
    """Runs a server until it has ended, in this thread."""
    poller = select.poll()
    poller.register(server.fileno(), select.POLLIN)
    with Signals(drain, reload) as signals:
        if signals.fileno() >= 0:
            poller.register(signals.fileno(), select.POLLIN)
        started()
        turn = _MORE
        while turn != _OVER:
            if turn == _WAIT:
                poller.poll()
                signals.forget()
            turn = server._turn()
    report = server.report
    assert report is not None
    return report
