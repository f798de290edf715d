"""What becomes of an error that Mojo code of the application raises in a callback."""

from .api import ERROR_CANCELLED, ERROR_CLOSED, ERROR_TIMEOUT, Handle, Text
from .errors import failure
from .library import ApiPointer


def fail(api: ApiPointer, response: Handle, error: Error) -> Int32:
    """Ends an exchange whose code raised: 500, or a cut answer. The log of the server gets the message, the client does not."""
    var message = _message(error)
    var status = api[].response_fail(response, _text(message))
    _ = message^
    return status


def tell(api: ApiPointer, request: Handle, error: Error):
    """Only tells the log, for code whose exchange goes on without it."""
    var message = _message(error)
    _ = api[].request_log_error(request, _text(message))
    _ = message^


def tell_of_socket(api: ApiPointer, socket: Handle, error: Error):
    """The same, for code around a WebSocket."""
    var message = _message(error)
    _ = api[].websocket_log_error(socket, _text(message))
    _ = message^


def _message(error: Error) -> String:
    # A NUL would end it.
    return String(error).replace("\0", "\uFFFD")


def _text(mut message: String) -> Text:
    return message.as_c_string_span().ptr().unsafe_origin_cast[ImmUntrackedOrigin]()


def sent(api: ApiPointer, response: Handle, status: Int32) -> Int32:
    """Whether the answer of a handler was taken. That nobody waits for it is no failure of the handler's."""
    if status >= 0 or status == ERROR_CLOSED or status == ERROR_TIMEOUT or status == ERROR_CANCELLED:
        return 0
    return fail(api, response, failure(api, status))
