"""Answers that come from a future."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from typing import Any

from ._flare import Exchange


def when_done(exchange: Exchange, future: Future[Any]) -> None:
    """Answers with the result of a future, in the thread that sets it."""

    def done(future: Future[Any]) -> None:
        try:
            exchange.respond(future.result())
        except CancelledError:
            exchange.respond(Response.plain(503))
        except BaseException as error:
            exchange.fail(error)

    from ._flare import Response

    future.add_done_callback(done)
