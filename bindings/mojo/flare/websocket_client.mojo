"""WebSockets to others."""

from .api import (
    ERROR_CLOSED,
    ERROR_TIMEOUT,
    ERROR_WOULD_BLOCK,
    WEBSOCKET_BINARY,
    WEBSOCKET_CLOSED,
    WEBSOCKET_PING,
    WEBSOCKET_PONG,
    WEBSOCKET_TEXT,
    WEBSOCKET_WRITABLE,
    Handle,
)
from .connection import FOR_EVER
from .connector import Connector
from .errors import check, check_handle
from .library import ApiPointer, api
from .request import lossy
from .text import bytes_of, place, room, terminated


struct WebSocketOpener(Movable):
    """Settings of WebSockets to others, and what opens them. docs/c-api/websocket_client.md lists the settings.

    `ws:` is HTTP/1.1. `wss:` is what the server prefers of HTTP/2 (RFC 8441) and HTTP/1.1, unless the setting `http` says otherwise.
    """

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self) raises:
        """Makes an opener with safe defaults.

        Raises:
            When the library is missing, or there is no memory.
        """
        self._api = api()
        self._handle = check_handle(self._api, self._api[].websocket_opener_new())

    def __init__(out self, connector: Connector) raises:
        """The same; it makes connections as this connector does: with its time limits, and for `wss:` with its TLS."""
        self = Self()
        check(self._api, self._api[].websocket_opener_set_connector(self._handle, connector._handle))

    def __deinit__(deinit self):
        _ = self._api[].websocket_opener_free(self._handle)

    def set(mut self, var name: String, value: Int) raises:
        """Sets a number, a time in milliseconds or a switch (0 or 1) by its name, such as `open_timeout_ms` or `attempts`.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
        """
        var status = self._api[].websocket_opener_set_number(self._handle, terminated(name, "the name"), Int64(value))
        _ = name^
        check(self._api, status)

    def set(mut self, var name: String, var value: String) raises:
        """Sets a text by its name, such as `protocols`."""
        var status = self._api[].websocket_opener_set_text(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def add_header(mut self, var name: String, var value: String) raises:
        """Adds a field to the requests that open sockets, such as Authorization, Cookie or Origin."""
        var status = self._api[].websocket_opener_add_header(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def open(self, var uri: String) raises -> WebSocketClient:
        """Opens a socket to `ws://name:port/path` or `wss://...`, and blocks until that is done, or the time is over.

        Raises:
            FLARE_ERROR_REJECTED when the server answered with something else than a socket, such as 401, which the message says;
            FLARE_ERROR_TIMEOUT; FLARE_ERROR_PROTOCOL, _CLOSED, _REFUSED; FLARE_ERROR_INVALID_ARGUMENT for what is no URI, or a setting that is
            wrong; and as `Connector.connect`.
        """
        var client = Handle(0)
        var answered = Int32(0)
        var status = self._api[].websocket_opener_open(
            self._handle, terminated(uri, "the URI"), place(client), place(answered)
        )
        _ = uri^
        check(self._api, status)
        return WebSocketClient(self._api, client)

    def begin(self, var uri: String) raises -> WebSocketOpening:
        """Begins to open a socket, and blocks nowhere."""
        var opening = Handle(0)
        var status = self._api[].websocket_opener_begin(self._handle, terminated(uri, "the URI"), place(opening))
        _ = uri^
        check(self._api, status)
        return WebSocketOpening(self._api, opening)


struct WebSocketOpening(Movable):
    """A socket that is being opened, for a loop: watch `fd` for readability, and call `poll` when it is readable. One thread at a time polls, any
    other may cancel. Destroying it gives up."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, api: ApiPointer, handle: Handle):
        self._api = api
        self._handle = handle

    def __deinit__(deinit self):
        _ = self._api[].websocket_opening_free(self._handle)

    def fd(self) raises -> Int:
        """The descriptor to watch; only to be watched."""
        var fd = self._api[].websocket_opening_fd(self._handle)
        check(self._api, fd)
        return Int(fd)

    def poll(mut self) raises -> Optional[WebSocketClient]:
        """Does what can be done without waiting. None while it goes on.

        Raises:
            FLARE_ERROR_CANCELLED after `cancel`, FLARE_ERROR_FINISHED when it had ended before, and else as `WebSocketOpener.open`.
        """
        var client = Handle(0)
        var answered = Int32(0)
        var status = self._api[].websocket_opening_poll(self._handle, place(client), place(answered))
        if status == ERROR_WOULD_BLOCK:
            return None
        check(self._api, status)
        return WebSocketClient(self._api, client)

    def cancel(self) raises:
        """Gives up, from any thread, also the attempts that would follow."""
        check(self._api, self._api[].websocket_opening_cancel(self._handle))


struct WebSocketClient(Movable):
    """A WebSocket to somebody else. Any thread may use it, at the same time: one may receive while others send.

    Somebody has to receive: Pings are answered, the server's silence is noticed and a Close is seen there. Destroying it closes the connection;
    one that is open says goodbye with 1001, if that goes without waiting.
    """

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, api: ApiPointer, handle: Handle):
        self._api = api
        self._handle = handle

    def __deinit__(deinit self):
        _ = self._api[].websocket_client_free(self._handle)

    def receive(self, timeout_ms: Int = FOR_EVER) raises -> Optional[WebSocketEvent]:
        """Waits for what happens next; 0 does not wait. None: nothing in time. The end of the socket is an event."""
        var event = Handle(0)
        var status = self._api[].websocket_client_receive(self._handle, Int64(timeout_ms), place(event))
        if self._is_patience(status):
            return None
        check(self._api, status)
        return WebSocketEvent(self._api, event)

    def send(self, text: StringSpan, *, timeout_ms: Int = FOR_EVER) raises -> Bool:
        """Sends a text, whole, and waits until the server has taken enough of what was sent before; 0 does not wait. False: nothing was taken
        in time, and WRITABLE says when to go on.

        While this waits nothing is received, so a server that sends back what it gets may stop reading, unless another thread receives.

        Raises:
            FLARE_ERROR_CLOSED when the socket is closing or gone.
        """
        return self._send(WEBSOCKET_TEXT, text.as_bytes(), timeout_ms)

    def send(self, data: Span[UInt8, _], *, timeout_ms: Int = FOR_EVER) raises -> Bool:
        """The same, with bytes."""
        return self._send(WEBSOCKET_BINARY, data, timeout_ms)

    def _send(self, kind: Int, data: Span[UInt8, _], timeout_ms: Int) raises -> Bool:
        var status = self._api[].websocket_client_send(
            self._handle, Int32(kind), bytes_of(data), UInt(len(data)), Int64(timeout_ms)
        )
        return self._taken(status)

    def ping(self, data: Span[UInt8, _]) raises -> Bool:
        """Sends a Ping with at most 125 bytes, without waiting; PONG is the answer. Those that find out whether the server lives are sent
        without it."""
        return self._taken(self._api[].websocket_client_ping(self._handle, bytes_of(data), UInt(len(data))))

    def _taken(self, status: Int32) raises -> Bool:
        if self._is_patience(status):
            return False
        check(self._api, status)
        return True

    def _is_patience(self, status: Int32) -> Bool:
        return status == ERROR_WOULD_BLOCK or status == ERROR_TIMEOUT

    def close(self, code: Int = 1000, var reason: String = String()) raises:
        """Begins to close, behind what was sent, and does not wait: CLOSED comes, at the latest after `close_timeout_ms`. Nothing if that has
        begun already.

        Args:
            code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
            reason: At most 123 bytes.
        """
        var status = self._api[].websocket_client_close(self._handle, Int32(code), terminated(reason, "the reason"))
        _ = reason^
        if status != ERROR_CLOSED:
            check(self._api, status)

    def fd(self) raises -> Int:
        """The descriptor to watch for readability; then `receive(0)` until there is nothing. Only to be watched."""
        var fd = self._api[].websocket_client_fd(self._handle)
        check(self._api, fd)
        return Int(fd)

    def is_open(self) -> Bool:
        """Whether messages are still taken."""
        return self._api[].websocket_client_is_open(self._handle) == 1

    def http(self) raises -> Int:
        """The version of HTTP that it was opened by: 1 or 2."""
        var version = self._api[].websocket_client_http(self._handle)
        check(self._api, version)
        return Int(version)

    def protocol(self) -> Optional[String]:
        """The subprotocol that the server chose."""
        var buffer = List[UInt8](length=256, fill=0)
        return _copied(buffer, self._api[].websocket_client_protocol(self._handle, room(buffer), UInt(len(buffer))))

    def header(self, var name: String) raises -> Optional[String]:
        """A field of the server's answer to the handshake, the first of this name; None when there is none. At most 4 KiB of it."""
        var buffer = List[UInt8](length=4097, fill=0)
        var key = terminated(name, "the name")
        var length = self._api[].websocket_client_header(self._handle, key, room(buffer), UInt(len(buffer)))
        _ = name^
        return _copied(buffer, length)


def _copied(buffer: List[UInt8], length: UInt) -> Optional[String]:
    if length == 0:
        return None
    return String(from_utf8_lossy=Span(buffer)[: min(Int(length), len(buffer) - 1)])


@fieldwise_init
struct WebSocketEventKind(Equatable, ImplicitlyCopyable):
    """What a `WebSocketEvent` is."""

    var _code: Int32

    comptime TEXT = WebSocketEventKind(Int32(WEBSOCKET_TEXT))
    """A message of text, whole."""

    comptime BINARY = WebSocketEventKind(Int32(WEBSOCKET_BINARY))
    """A message of bytes, whole."""

    comptime PING = WebSocketEventKind(Int32(WEBSOCKET_PING))
    """The server's Ping, which is answered already."""

    comptime PONG = WebSocketEventKind(Int32(WEBSOCKET_PONG))
    """A Pong."""

    comptime WRITABLE = WebSocketEventKind(Int32(WEBSOCKET_WRITABLE))
    """Messages are taken again, after one was refused."""

    comptime CLOSED = WebSocketEventKind(Int32(WEBSOCKET_CLOSED))
    """The socket is closed. Every later `receive` gives it again."""


struct WebSocketEvent(Movable):
    """What happened to a `WebSocketClient`. What it gives lives as long as it does."""

    var kind: WebSocketEventKind
    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, api: ApiPointer, handle: Handle):
        self._api = api
        self._handle = handle
        self.kind = WebSocketEventKind(api[].websocket_event_kind(handle))

    def __deinit__(deinit self):
        _ = self._api[].websocket_event_free(self._handle)

    def data(self) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        """The bytes of a message, a Ping or a Pong, or the reason of a close."""
        var length = UInt(0)
        var start = self._api[].websocket_event_data(self._handle, place(length))
        if not start or length == 0:
            return Span[UInt8, ImmOrigin(origin_of(self))]()
        return Span[UInt8, ImmOrigin(origin_of(self))](
            unsafe_ptr=start.value().unsafe_origin_cast[ImmOrigin(origin_of(self))](), length=Int(length)
        )

    def text(self) -> String:
        """A copy of them as text."""
        return lossy(self.data())

    def code(self) -> Int:
        """With CLOSED the code of the server's Close or of its mistake; 1005: it gave none, 1006: it left without goodbye (RFC 6455, 7.4.1)."""
        return Int(self._api[].websocket_event_code(self._handle))

    def is_clean(self) -> Bool:
        """With CLOSED whether both sides have sent a Close."""
        return self._api[].websocket_event_is_clean(self._handle) == 1
