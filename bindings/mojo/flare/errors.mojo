"""Errors of the library as Mojo raises them: the name of the status, a colon, and the message.

    FLARE_ERROR_CONFLICT: GET /: there is such a route already
"""

from .api import Api, Text
from .library import ApiPointer

comptime LONGEST = 1100
"""More than the library keeps of a message."""


def check(api: ApiPointer, status: Int32) raises:
    """Raises what the last call gave, if that was an error."""
    if status < 0:
        raise failure(api, status)


def check_handle(api: ApiPointer, handle: UInt) raises -> UInt:
    """Raises when there is no handle, and gives it otherwise."""
    if handle == 0:
        raise Error("flare: ", last_message(api))
    return handle


def failure(api: ApiPointer, status: Int32) -> Error:
    """The error of the last call of this thread. To be made before another call fails."""
    return Error(status_name(api, status), ": ", last_message(api))


def status_name(api: ApiPointer, status: Int32) -> StaticString:
    """The name of a status, such as FLARE_ERROR_TIMEOUT."""
    return static_text(api[].status_name(status))


def static_text(text: Text) -> StaticString:
    """A text of the library's that is never freed."""
    var start = text.value().unsafe_bitcast[UInt8]()
    var length = 0
    while start[unsafe_offset=length] != 0:
        length += 1
    return StaticString(unsafe_from_utf8=Span(unsafe_ptr=start.unsafe_origin_cast[ImmStaticOrigin](), length=length))


def copied_text(text: Text) -> String:
    """A copy of a text of the library's that lives for a call only. `String` of a `StaticString` would copy nothing."""
    return String(from_utf8_lossy=static_text(text).as_bytes())


def last_message(api: ApiPointer) -> String:
    """What the library said of the last failure on this thread."""
    var buffer = List[UInt8](length=LONGEST, fill=0)
    var length = api[].last_error(buffer.unsafe_ptr().unsafe_origin_cast[MutUntrackedOrigin](), LONGEST)
    var message = String(from_utf8_lossy=Span(buffer)[: min(Int(length), LONGEST - 1)])
    return message


def has_status(error: Error, name: StringSpan) -> Bool:
    """Whether an error of this package is of this status, such as "FLARE_ERROR_CLOSED"."""
    return String(error).startswith(String(name, ":"))
