"""Answers of others."""

from .api import Bytes, Handle, Text
from .errors import check, status_name
from .fields import Field
from .library import ApiPointer
from .request import lossy
from .text import place, terminated


struct ClientResponse(Movable):
    """What a server answered, as far as it has come. Any thread may read it.

    It keeps its exchange, as the request does: what was read of it stays when the client is gone. Texts are copied, and bytes that are no UTF-8
    replaced by U+FFFD.
    """

    var _api: ApiPointer
    var _handle: Handle
    var _owned: Bool

    def __init__(out self, *, borrowed: Handle, api: ApiPointer):
        self._api = api
        self._handle = borrowed
        self._owned = False

    def __init__(out self, *, owned: Handle, api: ApiPointer):
        self._api = api
        self._handle = owned
        self._owned = True

    def __deinit__(deinit self):
        if self._owned:
            _ = self._api[].response_release(self._handle)

    def keep(self) raises -> ClientResponse:
        """Another value of the same answer."""
        check(self._api, self._api[].response_retain(self._handle))
        return ClientResponse(owned=self._handle, api=self._api)

    def status(self) -> Int:
        """The status; 0 before the head has come."""
        return Int(max(self._api[].response_status(self._handle), 0))

    def version(self) -> Int:
        """The version of HTTP that it came by as ten times major plus minor: 10, 11, 20, 30; 0 before the head has come."""
        return Int(max(self._api[].response_version(self._handle), 0))

    def failure(self) -> Optional[StaticString]:
        """Why no more of it comes; None when it is whole, or more may come.

        - FLARE_ERROR_REFUSED: the server did nothing about the request: it can be sent again;
        - FLARE_ERROR_CANCELLED: the server reset the exchange, or `ClientRequest.cancel` was called;
        - FLARE_ERROR_CLOSED: the connection ended, or the client is gone;
        - FLARE_ERROR_PROTOCOL: the server broke the rules.
        """
        var status = self._api[].response_cancelled(self._handle)
        if status == 0:
            return None
        return status_name(self._api, status)

    def header(self, var name: String) raises -> Optional[String]:
        """The value of the first header field of this name, in any case; None when there is none."""
        var length = UInt(0)
        var text = self._api[].response_header(self._handle, terminated(name, "the name"), place(length))
        _ = name^
        return self._found(text, length)

    def headers(self) -> List[Field]:
        """All header fields in the order they came, with names in lower case."""
        var fields = List[Field]()
        var name_length = UInt(0)
        var length = UInt(0)
        for i in range(self._api[].response_header_count(self._handle)):
            var name = self._api[].response_header_name_at(self._handle, i, place(name_length))
            var value = self._api[].response_header_value_at(self._handle, i, place(length))
            fields.append(Field(self._found(name, name_length).or_else(""), self._found(value, length).or_else("")))
        return fields^

    def trailer(self, var name: String) raises -> Optional[String]:
        """The value of the first trailer field of this name; None when there is none, or the answer has not ended."""
        var length = UInt(0)
        var text = self._api[].response_trailer(self._handle, terminated(name, "the name"), place(length))
        _ = name^
        return self._found(text, length)

    def trailers(self) -> List[Field]:
        """All trailer fields; none before the answer has ended."""
        var fields = List[Field]()
        var name_length = UInt(0)
        var length = UInt(0)
        for i in range(self._api[].response_trailer_count(self._handle)):
            var name = self._api[].response_trailer_name_at(self._handle, i, place(name_length))
            var value = self._api[].response_trailer_value_at(self._handle, i, place(length))
            fields.append(Field(self._found(name, name_length).or_else(""), self._found(value, length).or_else("")))
        return fields^

    def body(self) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        """The content that `Client.fetch` collected; empty when it came as events."""
        var length = UInt(0)
        var start = self._api[].response_body(self._handle, place(length))
        return self._bytes(start, length)

    def text(self) -> String:
        """The same as text."""
        return lossy(self.body())

    def _bytes(self, start: Bytes, length: UInt) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        if not start or length == 0:
            return Span[UInt8, ImmOrigin(origin_of(self))]()
        return Span[UInt8, ImmOrigin(origin_of(self))](
            unsafe_ptr=start.value().unsafe_origin_cast[ImmOrigin(origin_of(self))](), length=Int(length)
        )

    def _found(self, text: Text, length: UInt) -> Optional[String]:
        if not text:
            return None
        return lossy(self._bytes(text.value().unsafe_bitcast[UInt8](), length))
