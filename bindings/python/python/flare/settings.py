"""Settings of a server."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields


def milliseconds(name: str, seconds: float | None) -> int | None:
    """Whole milliseconds of some seconds, rounded up."""
    if seconds is not None and not 0 <= seconds < 1e9:
        raise ValueError(f"{name}: {seconds} is no number of seconds from 0 to 1e9")
    return None if seconds is None else math.ceil(seconds * 1000)


@dataclass(frozen=True)
class Settings:
    """Settings of a server. `None` leaves the safe default of the core. Times are in seconds, sizes in bytes."""

    backlog: int | None = None
    """Connections that may wait to be accepted. 1 to 65535, default 1024."""
    max_connections: int | None = None
    """Connections open at once; at the limit no more are accepted until one closes. Default 100,000."""
    max_exchanges: int | None = None
    """Requests that may wait for their answer at once; more are answered with 503. Default 100,000."""
    head_bytes: int | None = None
    """The most bytes of a request's head. Then 431."""
    target_bytes: int | None = None
    """The most bytes of a request's target. Then 414."""
    header_count: int | None = None
    """The most fields of a request. Then 431."""
    trailer_bytes: int | None = None
    """The most bytes of trailers."""
    body_limit: int | None = None
    """The most bytes of content that are collected; more is refused with 413. A route may have its own. Default 16 MiB."""
    discard_limit: int | None = None
    """Content that nobody asked for is read and dropped up to so many bytes, so that the connection can go on. Default 64 KiB."""
    output_limit: int | None = None
    """Answers of one connection that wait for the client before no more of its requests are read. Default 256 KiB."""
    head_timeout: float | None = None
    """From the first byte of a request to the end of its head. Then 408. Default 30."""
    body_timeout: float | None = None
    """From one part of the content to the next. Then 408. Default 30."""
    idle_timeout: float | None = None
    """From an answer to the next request. Then the connection closes. Default 75."""
    handler_timeout: float | None = None
    """From the call of a handler to its answer. Then 503, and the task of the handler is cancelled. Default 60."""
    stream_timeout: float | None = None
    """From one part of a streamed answer to the next. Then the connection is cut. Default 600."""
    write_timeout: float | None = None
    """How long a client may take nothing of what was written for it. Default 30."""
    linger_timeout: float | None = None
    """How long what a client still sends after the last answer is read and dropped. Default 2."""
    drain_timeout: float | None = None
    """How long running exchanges may go on when the server is asked to end. Default 30."""
    blocking_threads: int | None = None
    """Threads for handlers of blocking routes. 1 to 4096, default 64."""
    blocking_queue: int | None = None
    """Exchanges that may wait for such a thread; more are answered with 503. Default 1024."""
    server_name: str | None = None
    """The value of the field `Server`; empty for none. Default "flare"."""
    http2: bool | None = None
    """Whether HTTP/2 is spoken with clients that begin with it. Default True."""
    http3: bool | None = None
    """Whether HTTP/3 is served too where there is TLS: on the UDP port of the same number. Default False."""
    more: Mapping[str, int | float | str] = field(default_factory=dict)
    """Others, by the names that they have in C (docs/c-api/config.md), such as `http2_streams` or `quic_retry`."""

    def _given(self) -> dict[str, int | float | str]:
        """What is not left to the core."""
        named = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "more"}
        return {name: value for name, value in named.items() if value is not None} | dict(self.more)
