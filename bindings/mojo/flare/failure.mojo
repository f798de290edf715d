"""What becomes of an error that Mojo code of the application raises in a callback."""

from .api import ERROR_CANCELLED, ERROR_CLOSED, ERROR_TIMEOUT, Handle
from .errors import failure
from .library import ApiPointer
from .text import terminated


def fail(api: ApiPointer, response: Handle, error: Error) -> Int32:
    """Ends an exchange whose code raised: 500, or a cut answer. The log of the server gets the message, the client does not."""
    var message = String(error).replace("\0", "\uFFFD")
    var status: Int32
    try:
        status = api[].response_fail(response, terminated(message, "the message"))
    except:
        return -1
    _ = message^
    return status


def sent(api: ApiPointer, response: Handle, status: Int32) -> Int32:
    """Whether the answer of a handler was taken. That nobody waits for it is no failure of the handler's."""
    if status >= 0 or status == ERROR_CLOSED or status == ERROR_TIMEOUT or status == ERROR_CANCELLED:
        return 0
    return fail(api, response, failure(api, status))
