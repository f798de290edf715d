"""Where flare's own words go: the logger `flare`."""

from __future__ import annotations

import logging

from ._flare import Request

logger = logging.getLogger("flare")


def failed(request: Request, error: BaseException) -> None:
    """A handler raised: everything about it, for the log alone."""
    logger.error("%s %s failed", request.method, request.path, exc_info=error)


def resolver_failed(server_name: str | None, error: BaseException) -> None:
    """The resolver of certificates raised: the settings choose."""
    logger.error("choosing a certificate for %r failed", server_name, exc_info=error)


def event(level: int, text: str) -> None:
    """Something that the core tells."""
    logger.log(level, "%s", text)
