"""Where flare's own words go: the logger `flare`."""

from __future__ import annotations

import logging

from ._flare import Request

logger = logging.getLogger("flare")


# Workers beside this one, until it was told what that means for topics.
_others = 0


def one_of(workers: int) -> None:
    """What runs here is one of several workers."""
    global _others
    _others = workers - 1


def topics_stay_here() -> None:
    """A socket joins a topic: warns, once, when others are served by workers that don't hear of it."""
    global _others
    if _others:
        others, _others = _others, 0
        logger.warning("what is published on topics reaches the WebSockets of this worker only: %d other worker(s) don't hear it", others)


def failed(request: Request, error: BaseException) -> None:
    """A handler raised: everything about it, for the log alone."""
    logger.error("%s %s failed", request.method, request.path, exc_info=error)


def resolver_failed(server_name: str | None, error: BaseException) -> None:
    """The resolver of certificates raised: this client is refused."""
    logger.error("choosing a certificate for %r failed", server_name, exc_info=error)


def event(level: int, text: str) -> None:
    """Something that the core tells."""
    logger.log(level, "%s", text)
