"""Requests to others."""

from .api import ERROR_WOULD_BLOCK, Handle
from .errors import check, check_handle
from .library import ApiPointer, api
from .text import bytes_of, terminated


struct ClientRequest(Movable):
    """A request that a `Client` sends, once. Destroying it lets its exchange go, unless somebody keeps the answer."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, var method: String, var authority: String, var target: String) raises:
        """Makes a request without fields and content.

        Args:
            method: Such as "GET".
            authority: Host and port, as in the Host field: "example.org" or "example.org:8080".
            target: "/path?query".

        Raises:
            When there is a NUL in a text, or no memory. What can't be sent is refused when it is sent.
        """
        self._api = api()
        self._handle = self._api[].request_new(
            terminated(method, "the method"), terminated(authority, "the authority"), terminated(target, "the target")
        )
        _ = method^
        _ = authority^
        _ = target^
        _ = check_handle(self._api, self._handle)

    def __deinit__(deinit self):
        _ = self._api[].request_release(self._handle)

    # ---- Before it is sent.

    def add_header(mut self, var name: String, var value: String) raises:
        """Adds a header field. Host, Content-Length, Transfer-Encoding and Connection are the connection's.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT when it can't be sent, FLARE_ERROR_FINISHED when the request was sent.
        """
        var status = self._api[].request_add_header(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def set_header(mut self, var name: String, var value: String) raises:
        """The same, in place of all others of its name."""
        var status = self._api[].request_set_header(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def set_scheme(mut self, var scheme: String) raises:
        """Sets the scheme, which HTTP/2 sends. Without it, it is "https" on an encrypted connection, and "http" otherwise."""
        var status = self._api[].request_set_scheme(self._handle, terminated(scheme, "the scheme"))
        _ = scheme^
        check(self._api, status)

    def set_content_length(mut self, length: Optional[Int]) raises:
        """Says that there is content, which `write` gives and `finish` ends: so many bytes, or None when that is not known yet."""
        check(self._api, self._api[].request_set_content_length(self._handle, Int64(length.or_else(-1))))

    def offer_protocol(mut self, var protocol: String) raises:
        """Offers to go on with another protocol as a stream of bytes (RFC 9110, 7.8; RFC 8441). SWITCHED says that the server took it."""
        var status = self._api[].request_offer_protocol(self._handle, terminated(protocol, "the protocol"))
        _ = protocol^
        check(self._api, status)

    # ---- Behind `Client.open`.

    def write(mut self, data: Span[UInt8, _]) raises -> Bool:
        """Gives some content, which is copied whole, or refused: False says that so much waits for the server that nothing was taken, and
        WRITABLE says when to go on.

        Raises:
            FLARE_ERROR_FINISHED when the request has ended, or the server wants no more of it; FLARE_ERROR_INVALID_ARGUMENT for more than was
            announced; FLARE_ERROR_INVALID_STATE when it was not opened; FLARE_ERROR_CLOSED when the client is gone.
        """
        var status = self._api[].request_write(self._handle, bytes_of(data), UInt(len(data)))
        if status == ERROR_WOULD_BLOCK:
            return False
        check(self._api, status)
        return True

    def write(mut self, text: StringSpan) raises -> Bool:
        """The same, with text."""
        return self.write(text.as_bytes())

    def write_blocking(mut self, data: Span[UInt8, _]) raises:
        """The same, but waits while the server has to take some first, at most `timeout_ms` of the client.

        Raises:
            As `write`, and FLARE_ERROR_TIMEOUT.
        """
        check(self._api, self._api[].request_write_blocking(self._handle, bytes_of(data), UInt(len(data))))

    def add_trailer(mut self, var name: String, var value: String) raises:
        """Adds a trailer field, which leaves with `finish`. HTTP/1.1 sends them only behind content whose length was not said."""
        var status = self._api[].request_add_trailer(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def finish(mut self) raises:
        """Ends the content.

        Raises:
            FLARE_ERROR_FINISHED when it had ended; FLARE_ERROR_INVALID_ARGUMENT for less than was announced, which ends the exchange too.
        """
        check(self._api, self._api[].request_finish(self._handle))

    def cancel(self) raises:
        """Lets the exchange go, from any thread: no event of it comes any more. On HTTP/1.1 the connection ends too, unless it was over."""
        check(self._api, self._api[].request_cancel(self._handle))
