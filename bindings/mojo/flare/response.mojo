"""Answers as values: what a handler returns."""

from .api import RELAY_FORWARD, Handle
from .boxed import boxed, unbox
from .fields import Fields
from .library import ApiPointer, api
from .source import Source, SourceHolder
from .text import bytes_of, terminated

comptime _TEXT = 0
comptime _BYTES = 1
comptime _FILE = 2
comptime _RELAY = 3
comptime _SOURCE = 4

comptime _LARGE = 64 * 1024
"""From here on content is sent from where it is, instead of being copied beside its head."""


struct Response(Movable):
    """An answer: a status from 200 to 599, fields, and content.

    Date, Server, Content-Length, Transfer-Encoding and Connection are added by the server; "connection: close" closes the connection.
    """

    var status: Int
    var headers: Fields
    var trailers: Fields
    var _kind: Int
    var _type: String
    # The text, the path of the file, or the address of the upstream.
    var _text: String
    # The content, or the prologue for the upstream.
    var _bytes: List[UInt8]
    var _relay: _Relay
    var _source: Optional[SourceHolder]

    def __init__(
        out self, var text: String = String(), *, status: Int = 200, var content_type: String = "text/plain; charset=utf-8"
    ):
        """Answers with text. A header "content-type" that is set goes before `content_type`."""
        self.status = status
        self.headers = Fields()
        self.trailers = Fields()
        self._kind = _TEXT
        self._type = content_type^
        self._text = text^
        self._bytes = List[UInt8]()
        self._relay = _Relay(0, 0, 0)
        self._source = None

    @staticmethod
    def json(var text: String, *, status: Int = 200) -> Response:
        """Answers with JSON that is text already, as application/json. It is not checked."""
        return Response(text^, status=status, content_type="application/json")

    @staticmethod
    def html(var text: String, *, status: Int = 200) -> Response:
        """Answers with a page."""
        return Response(text^, status=status, content_type="text/html; charset=utf-8")

    @staticmethod
    def bytes(var content: List[UInt8], *, status: Int = 200) -> Response:
        """Answers with bytes. No Content-Type is added."""
        var response = Response(status=status)
        response._kind = _BYTES
        response._bytes = content^
        return response^

    @staticmethod
    def bytes(content: Span[UInt8, _], *, status: Int = 200) -> Response:
        """Answers with a copy of bytes. No Content-Type is added."""
        return Response.bytes(List[UInt8](content), status=status)

    @staticmethod
    def file(var path: String, *, status: Int = 200) -> Response:
        """Answers with a file as it is when the answer is sent. It must not become shorter until then. No Content-Type is added."""
        var response = Response(path^, status=status)
        response._kind = _FILE
        return response^

    @staticmethod
    def source[S: Source](var source: S, *, length: Int = -1, status: Int = 200) raises -> Response:
        """Answers with content that is pulled while the client takes it.

        Args:
            source: Gives the content. It is destroyed when the answer was sent or cut.
            length: The number of bytes in all, or -1 when it is not known.
            status: The status.

        Raises:
            When the library can't be loaded.
        """
        var response = Response(status=status)
        response._kind = _SOURCE
        response._source = SourceHolder(api(), source^, length)
        return response^

    @staticmethod
    def relay(
        var address: String,
        var prologue: List[UInt8],
        *,
        forward: Bool = False,
        connect_timeout_ms: Int = 0,
        silence_timeout_ms: Int = 0,
        status: Int = 200,
    ) -> Response:
        """Answers with what an upstream sends; see flare_response_relay() in docs/c-api/response.md.

        Args:
            address: "127.0.0.1:80", "[::1]:80", "unix:/run/app.sock".
            prologue: Sent to the upstream first, such as a request.
            forward: Whether the content of the request goes to the upstream behind the prologue.
            connect_timeout_ms: How long it may take to connect; 0 for 5000.
            silence_timeout_ms: How long the upstream may send nothing while the client would take more; 0 for 30000.
            status: The status.
        """
        var response = Response(address^, status=status)
        response._kind = _RELAY
        response._bytes = prologue^
        response._relay = _Relay(
            UInt32(connect_timeout_ms), UInt32(silence_timeout_ms), UInt32(RELAY_FORWARD) if forward else 0
        )
        return response^

    def with_header(var self, var name: String, var value: String) -> Response:
        """The same answer with one more header field."""
        self.headers.add(name^, value^)
        return self^

    def _draft(mut self, api: ApiPointer, handle: Handle) raises -> Int32:
        """Hands over the fields."""
        for ref field in self.headers._fields:
            var name = terminated(field.name, "the name of a field")
            var status = api[].response_add_header(handle, name, terminated(field.value, "the value of a field"))
            if status < 0:
                return status
        for ref field in self.trailers._fields:
            var name = terminated(field.name, "the name of a field")
            var status = api[].response_add_trailer(handle, name, terminated(field.value, "the value of a field"))
            if status < 0:
                return status
        return 0

    def _send(mut self, api: ApiPointer, handle: Handle) raises -> Int32:
        """Hands over everything, and gives the status of the call that failed, or of the last."""
        if len(self.headers) + len(self.trailers) > 0:
            var drafted = self._draft(api, handle)
            if drafted < 0:
                return drafted
        var status = Int32(self.status)
        if self._kind == _TEXT:
            var type = terminated(self._type, "the content type")
            var text = self._text.as_bytes()
            return api[].response_send_as(handle, status, type, bytes_of(text), UInt(len(text)))
        if self._kind == _BYTES:
            return self._send_bytes(api, handle, status)
        if self._kind == _FILE:
            return api[].response_send_file(handle, status, terminated(self._text, "the path"))
        if self._kind == _RELAY:
            return api[].response_relay(
                handle,
                status,
                terminated(self._text, "the address"),
                bytes_of(self._bytes),
                UInt(len(self._bytes)),
                self._relay.connect_timeout_ms,
                self._relay.silence_timeout_ms,
                self._relay.flags,
            )
        return self._source.value().send(api, handle, status)

    def _send_bytes(mut self, api: ApiPointer, handle: Handle, status: Int32) -> Int32:
        var length = UInt(len(self._bytes))
        if length < _LARGE:
            return api[].response_send(handle, status, bytes_of(self._bytes), length)
        # The list moves to where the library keeps it; its bytes stay where they are.
        var start = bytes_of(self._bytes)
        var content = self._bytes^
        self._bytes = List[UInt8]()
        return api[].response_send_borrowed(
            handle, status, start, length, boxed(api, content^), unbox[List[UInt8]]
        )


@fieldwise_init
struct _Relay(ImplicitlyCopyable):
    var connect_timeout_ms: UInt32
    var silence_timeout_ms: UInt32
    var flags: UInt32


def ok(var text: String) -> Response:
    """200 with text."""
    return Response(text^)


def ok_json(var text: String) -> Response:
    """200 with JSON that is text already."""
    return Response.json(text^)


def bad_request(var text: String = "Bad Request") -> Response:
    """400 with text."""
    return Response(text^, status=400)


def not_found(var text: String = "Not Found") -> Response:
    """404 with text."""
    return Response(text^, status=404)


def redirect(var location: String, *, status: Int = 302) -> Response:
    """A redirect to another place."""
    return Response(status=status).with_header("location", location^)
