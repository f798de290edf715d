"""Code that a server calls besides handlers. What is called belongs to the server, which destroys it once."""

from .api import LOG_DEBUG, LOG_ERROR, LOG_INFO, LOG_WARN, Address, Text
from .boxed import behind
from .errors import copied_text


@fieldwise_init
struct LogLevel(Equatable, ImplicitlyCopyable):
    """How much an event matters."""

    var _code: Int32

    comptime ERROR = LogLevel(Int32(LOG_ERROR))
    """Something failed that should not fail."""

    comptime WARN = LogLevel(Int32(LOG_WARN))
    """Something is wrong outside, and was handled."""

    comptime INFO = LogLevel(Int32(LOG_INFO))
    """The life of the server."""

    comptime DEBUG = LogLevel(Int32(LOG_DEBUG))
    """Details for those who look for a fault."""


trait Log(Movable, Deinitable):
    """Takes events. It is called from any thread of the server, must not block for long, and can't fail."""

    def write(mut self, level: LogLevel, message: String):
        """Takes an event."""
        ...


@fieldwise_init
struct Access(Copyable):
    """An exchange that ended."""

    var peer: String
    var method: String
    var path: String
    var status: Int
    """Of the answer; 0 when there was none."""

    var body_bytes: Int
    """Content that was sent."""

    var duration_ms: Int
    """From the head of the request to the end."""


trait AccessLog(Movable, Deinitable):
    """Takes entries, on the worker of the exchange, which it must not block."""

    def write(mut self, access: Access):
        """Takes an entry."""
        ...


trait Task(Movable, Deinitable):
    """Something to do on a worker, which it must not block."""

    def run(mut self, worker: Int):
        """Does it, on the worker of this number, from 0."""
        ...


def log_of[L: Log](level: Int32, message: Text, user: Address) abi("C"):
    """What the library calls for a `Log`."""
    behind[L](user).value.write(LogLevel(level), copied_text(message))


def access_of[
    L: AccessLog
](
    peer: Text, method: Text, path: Text, status: Int32, body_bytes: UInt64, duration_ms: UInt64, user: Address
) abi("C"):
    """What the library calls for an `AccessLog`."""
    var access = Access(
        copied_text(peer),
        copied_text(method),
        copied_text(path),
        Int(status),
        Int(body_bytes),
        Int(duration_ms),
    )
    behind[L](user).value.write(access)


def task_of[T: Task](worker: UInt32, user: Address) abi("C"):
    """What the library calls for a `Task`."""
    behind[T](user).value.run(Int(worker))
