"""The request of an exchange."""

from .api import Bytes, Handle, Text
from .errors import check
from .fields import Field
from .library import ApiPointer
from .text import place, room, terminated


struct Request(Movable):
    """What a client sent. It never changes, and any thread may read it.

    A handler borrows it for the call; `keep` gives one that stays valid. Texts are copied, and bytes that are no UTF-8 replaced by U+FFFD;
    the methods that end in `_bytes` copy nothing, and what they give lives as long as the request.
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
            _ = self._api[].request_release(self._handle)

    def keep(self) raises -> Request:
        """The same request, to be kept after the handler has returned.

        Raises:
            When the exchange is over, or 65,535 hold it.
        """
        check(self._api, self._api[].request_retain(self._handle))
        return Request(owned=self._handle, api=self._api)

    def method(self) -> String:
        """The method, such as "GET"."""
        return lossy(self.method_bytes())

    def method_bytes(self) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        var length = UInt(0)
        var text = self._api[].request_method(self._handle, place(length))
        return self._text(text, length)

    def path(self) -> String:
        """The path as it was sent, still percent-encoded."""
        return lossy(self.path_bytes())

    def path_bytes(self) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        var length = UInt(0)
        var text = self._api[].request_path(self._handle, place(length))
        return self._text(text, length)

    def query(self) -> Optional[String]:
        """The query as it was sent, without the question mark; None when there is none."""
        var length = UInt(0)
        var text = self._api[].request_query(self._handle, place(length))
        return self._found(text, length)

    def authority(self) -> String:
        """The host and port that the request is for; may be empty."""
        var length = UInt(0)
        var text = self._api[].request_authority(self._handle, place(length))
        return lossy(self._text(text, length))

    def version(self) -> Int:
        """The protocol version as ten times major plus minor: 10, 11, 20, 30."""
        return Int(self._api[].request_version(self._handle))

    def peer(self) -> String:
        """The address of the client, such as "127.0.0.1:50000" or "unix:"."""
        var buffer = List[UInt8](length=128, fill=0)
        var length = self._api[].request_peer(self._handle, room(buffer), 128)
        return String(from_utf8_lossy=Span(buffer)[: min(Int(length), 127)])

    def local_address(self) -> String:
        """What the client connected to, such as "127.0.0.1:8080" or "unix:/run/app.sock"."""
        var buffer = List[UInt8](length=160, fill=0)
        var length = self._api[].request_local_address(self._handle, room(buffer), UInt(len(buffer)))
        return String(from_utf8_lossy=Span(buffer)[: min(Int(length), len(buffer) - 1)])

    def offered_protocol(self) -> Optional[String]:
        """The protocol that the client offers to go on with as a stream of bytes: the value of Upgrade, which may be a list (RFC 9110, 7.8), or
        the protocol of an extended CONNECT (RFC 8441). `Exchange.switch_protocol` accepts."""
        var length = UInt(0)
        var text = self._api[].request_offered_protocol(self._handle, place(length))
        return self._found(text, length)

    def header(self, var name: String) raises -> Optional[String]:
        """The value of the first header field of this name, in any case; None when there is none.

        Raises:
            When the name has a NUL in it.
        """
        var length = UInt(0)
        var text = self._api[].request_header(self._handle, terminated(name, "the name"), place(length))
        _ = name^
        return self._found(text, length)

    def header_bytes(self, var name: String) raises -> Optional[Span[UInt8, ImmOrigin(origin_of(self))]]:
        """The same as `header`, as it was sent."""
        var length = UInt(0)
        var text = self._api[].request_header(self._handle, terminated(name, "the name"), place(length))
        _ = name^
        if not text:
            return None
        return self._text(text, length)

    def headers(self) -> List[Field]:
        """All header fields in the order they came, with names in lower case."""
        var fields = List[Field]()
        var name_length = UInt(0)
        var length = UInt(0)
        for i in range(self._api[].request_header_count(self._handle)):
            var name = self._api[].request_header_name_at(self._handle, i, place(name_length))
            var value = self._api[].request_header_value_at(self._handle, i, place(length))
            fields.append(Field(lossy(self._text(name, name_length)), lossy(self._text(value, length))))
        return fields^

    def trailer(self, var name: String) raises -> Optional[String]:
        """The value of the first trailer field of this name; None when there is none, or the content has not ended."""
        var length = UInt(0)
        var text = self._api[].request_trailer(self._handle, terminated(name, "the name"), place(length))
        _ = name^
        return self._found(text, length)

    def trailers(self) -> List[Field]:
        """All trailer fields; none before the content has ended."""
        var fields = List[Field]()
        var name_length = UInt(0)
        var length = UInt(0)
        for i in range(self._api[].request_trailer_count(self._handle)):
            var name = self._api[].request_trailer_name_at(self._handle, i, place(name_length))
            var value = self._api[].request_trailer_value_at(self._handle, i, place(length))
            fields.append(Field(lossy(self._text(name, name_length)), lossy(self._text(value, length))))
        return fields^

    def param(self, var name: String) raises -> String:
        """A parameter that the route took from the path, decoded.

        Raises:
            When the pattern of the route has no parameter of this name.
        """
        return lossy(self.param_bytes(name^))

    def param_bytes(self, var name: String) raises -> Span[UInt8, ImmOrigin(origin_of(self))]:
        """The same as `param`, in whatever encoding."""
        var length = UInt(0)
        var text = self._api[].request_param(self._handle, terminated(name, "the name"), place(length))
        if not text:
            raise Error("FLARE_ERROR_NOT_FOUND: the route has no parameter ", name)
        return self._text(text, length)

    def body(self) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        """The content; empty on a route that streams."""
        var length = UInt(0)
        var start = self._api[].request_body(self._handle, place(length))
        return self._bytes(start, length)

    def text(self) -> String:
        """The content as text."""
        return lossy(self.body())

    def is_cancelled(self) -> Bool:
        """Whether nobody waits for the answer any more: the client is gone, the deadline passed, or the server ended."""
        return self._api[].request_cancelled(self._handle) < 0

    # ---- What middleware found out.

    def id(self) -> Optional[String]:
        """What `request_id` gave it."""
        var buffer = List[UInt8](length=160, fill=0)
        return _copied(buffer, self._api[].request_id(self._handle, room(buffer), UInt(len(buffer))))

    def identity(self) -> Optional[String]:
        """The name that `bearer_auth` knows the client by."""
        var buffer = List[UInt8](length=1024, fill=0)
        return _copied(buffer, self._api[].request_identity(self._handle, room(buffer), UInt(len(buffer))))

    def client(self) -> Optional[String]:
        """The IP address of the client: what `forwarded` found out, or that of the connection."""
        var buffer = List[UInt8](length=64, fill=0)
        return _copied(buffer, self._api[].request_client(self._handle, room(buffer), UInt(len(buffer))))

    # ---- TLS.

    def tls(self, var name: String) raises -> Optional[String]:
        """What was agreed in the TLS handshake: `version` ("TLSv1.3"), `suite`, `server_name` (which the client asked for), `alpn`. None
        on a connection without TLS."""
        var buffer = List[UInt8](length=512, fill=0)
        var key = terminated(name, "the name")
        var length = self._api[].request_tls(self._handle, key, room(buffer), UInt(len(buffer)))
        _ = name^
        return _copied(buffer, length)

    def peer_certificate(self) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        """The certificate that the client showed, as DER, checked; empty when it showed none."""
        var length = UInt(0)
        var start = self._api[].request_peer_certificate(self._handle, place(length))
        return self._bytes(start, length)

    def is_early(self) -> Bool:
        """Whether it came before the end of the handshake (0-RTT): somebody may have recorded it and sent it again (RFC 8470)."""
        return self._api[].request_is_early(self._handle) > 0

    def attribute(self, var name: String) raises -> Optional[String]:
        """A text that was attached to the request; None when there is none, or it is empty."""
        var buffer = List[UInt8](length=256, fill=0)
        var key = terminated(name, "the name")
        var length = Int(self._api[].request_attribute(self._handle, key, room(buffer), UInt(len(buffer))))
        if length >= len(buffer):
            buffer.resize(length + 1, 0)
            length = Int(self._api[].request_attribute(self._handle, key, room(buffer), UInt(len(buffer))))
        _ = name^
        if length == 0:
            return None
        return String(from_utf8_lossy=Span(buffer)[: min(length, len(buffer) - 1)])

    def set_attribute(self, var name: String, var value: String) raises:
        """Attaches a text, for handlers and middleware that see the request later; it replaces another one of its name."""
        var status = self._api[].request_set_attribute(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def _text(self, text: Text, length: UInt) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        if not text:
            return Span[UInt8, ImmOrigin(origin_of(self))]()
        return self._bytes(text.value().unsafe_bitcast[UInt8](), length)

    def _bytes(self, start: Bytes, length: UInt) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        if not start or length == 0:
            return Span[UInt8, ImmOrigin(origin_of(self))]()
        return Span[UInt8, ImmOrigin(origin_of(self))](
            unsafe_ptr=start.value().unsafe_origin_cast[ImmOrigin(origin_of(self))](), length=Int(length)
        )

    def _found(self, text: Text, length: UInt) -> Optional[String]:
        if not text:
            return None
        return lossy(self._text(text, length))


def _copied(buffer: List[UInt8], length: UInt) -> Optional[String]:
    if length == 0:
        return None
    return String(from_utf8_lossy=Span(buffer)[: min(Int(length), len(buffer) - 1)])


def lossy(bytes: Span[UInt8, _]) -> String:
    """Text of the wire, with U+FFFD for what is no UTF-8."""
    return String(from_utf8_lossy=bytes)
