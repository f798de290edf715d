"""WebSockets that were accepted: messages both ways."""

from .api import (
    ERROR_CANCELLED,
    ERROR_CLOSED,
    ERROR_WOULD_BLOCK,
    WEBSOCKET_BINARY,
    WEBSOCKET_TEXT,
    Address,
    Bytes,
    DestroyCallback,
    Handle,
    Text,
    WebsocketCallback,
    WebsocketCloseCallback,
    WebsocketMessageCallback,
)
from .boxed import behind, boxed, unbox
from .errors import check, check_handle, copied_text
from .failure import tell_of_socket
from .library import ApiPointer, api
from .request import Request, lossy
from .text import bytes_of, room, terminated


struct Message(Movable):
    """A message that came, whole. What it gives lives as long as it does."""

    var is_text: Bool
    """Whether it is text, in UTF-8; otherwise bytes."""

    var _start: Bytes
    var _length: Int

    def __init__(out self, kind: Int32, start: Bytes, length: Int):
        self.is_text = kind == WEBSOCKET_TEXT
        self._start = start
        self._length = length

    def data(self) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        """Its bytes, also those of a text."""
        if not self._start:
            return Span[UInt8, ImmOrigin(origin_of(self))]()
        return Span[UInt8, ImmOrigin(origin_of(self))](
            unsafe_ptr=self._start.value().unsafe_origin_cast[ImmOrigin(origin_of(self))](), length=self._length
        )

    def text(self) -> String:
        """A copy of its text; of bytes with U+FFFD for what is no UTF-8."""
        return lossy(self.data())


struct WebSocket(Movable):
    """A socket that a client has opened.

    Callbacks borrow it; `keep` gives one that any thread may use, also behind the end of the socket: then it only refuses.
    """

    var _api: ApiPointer
    var _handle: Handle
    var _owned: Bool

    def __init__(out self, *, borrowed: Handle, api: ApiPointer):
        self._api = api
        self._handle = borrowed
        self._owned = False

    def __deinit__(deinit self):
        if self._owned:
            _ = self._api[].websocket_release(self._handle)

    def keep(self) raises -> WebSocket:
        """The same socket, to be used behind the callback. Destroying it does not close the socket.

        Raises:
            When 65,535 hold it.
        """
        check(self._api, self._api[].websocket_retain(self._handle))
        var kept = WebSocket(borrowed=self._handle, api=self._api)
        kept._owned = True
        return kept^

    def send(self, text: StringSpan) raises -> Bool:
        """Sends a text. It is taken whole or refused: False says that so much waits for the client that nothing was taken, and
        `SocketHandler.writable` is called when to go on. Who sends at most one message for each that came is never refused.

        Raises:
            FLARE_ERROR_CLOSED when the socket is closing or gone.
        """
        return self._send(WEBSOCKET_TEXT, text.as_bytes())

    def send(self, data: Span[UInt8, _]) raises -> Bool:
        """The same, with bytes."""
        return self._send(WEBSOCKET_BINARY, data)

    def send(self, message: Message) raises -> Bool:
        """The same, with a message that came: as text or bytes, as it was."""
        return self._send(WEBSOCKET_TEXT if message.is_text else WEBSOCKET_BINARY, message.data())

    def _send(self, kind: Int, data: Span[UInt8, _]) raises -> Bool:
        return _taken(
            self._api, self._api[].websocket_send(self._handle, Int32(kind), bytes_of(data), UInt(len(data)))
        )

    def send_fragment(self, data: Span[UInt8, _], *, text: Bool = False, last: Bool = False) raises -> Bool:
        """Sends a piece of a message whose end is not at hand yet, in a frame of its own (RFC 6455, 5.4), without compression. Until the last one
        other messages are refused, and publications missed; so one thread sends all pieces, and soon.

        Args:
            data: The piece; of a text whole characters.
            text: Whether the message is text; the same for each piece.
            last: Whether it is the last piece.

        Returns:
            False when nothing was taken: then the message goes on with the same piece.

        Raises:
            As `send`.
        """
        var status = self._api[].websocket_send_fragment(
            self._handle,
            Int32(WEBSOCKET_TEXT if text else WEBSOCKET_BINARY),
            bytes_of(data),
            UInt(len(data)),
            Int32(last),
        )
        return _taken(self._api, status)

    def ping(self, data: Span[UInt8, _]) raises -> Bool:
        """Sends a Ping with at most 125 bytes. Those that find out whether the client lives are sent without it.

        Raises:
            As `send`.
        """
        return _taken(self._api, self._api[].websocket_ping(self._handle, bytes_of(data), UInt(len(data))))

    def close(self, code: Int = 1000, var reason: String = String()) raises:
        """Begins to close, behind what was sent; nothing if that has begun already.

        Args:
            code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
            reason: At most 123 bytes.
        """
        var status = self._api[].websocket_close(self._handle, Int32(code), terminated(reason, "the reason"))
        _ = reason^
        if status != ERROR_CLOSED:
            check(self._api, status)

    def is_open(self) -> Bool:
        """Whether messages are still taken."""
        return self._api[].websocket_is_open(self._handle) == 1

    def protocol(self) -> Optional[String]:
        """The subprotocol that was agreed."""
        var buffer = List[UInt8](length=256, fill=0)
        var length = Int(self._api[].websocket_protocol(self._handle, room(buffer), UInt(len(buffer))))
        if length == 0:
            return None
        return String(from_utf8_lossy=Span(buffer)[: min(length, len(buffer) - 1)])

    def request(self) raises -> Request:
        """The request that opened it, while `open` runs. Whoever needs it later keeps it there, or in `Sockets.enter`.

        Raises:
            FLARE_ERROR_INVALID_STATE behind `open`.
        """
        return Request(owned=check_handle(self._api, self._api[].websocket_request(self._handle)), api=self._api)

    def subscribe(self, var topic: String) raises:
        """Puts it on the list of a topic: it gets what is published there, on any worker, until it ends."""
        var status = self._api[].websocket_subscribe(self._handle, terminated(topic, "the topic"))
        _ = topic^
        check(self._api, status)

    def unsubscribe(self, var topic: String) raises:
        """Takes it off the list of a topic."""
        var status = self._api[].websocket_unsubscribe(self._handle, terminated(topic, "the topic"))
        _ = topic^
        check(self._api, status)

    def publish(self, var topic: String, text: StringSpan) raises -> Bool:
        """Sends a text to all sockets of a topic, this one too if it is on the list. False: too much waits for the workers already, and it
        is not sent. A socket that has not taken what was sent to it before misses it.

        Raises:
            FLARE_ERROR_CLOSED when the server has ended.
        """
        return self._publish(topic^, WEBSOCKET_TEXT, text.as_bytes())

    def publish(self, var topic: String, data: Span[UInt8, _]) raises -> Bool:
        """The same, with bytes."""
        return self._publish(topic^, WEBSOCKET_BINARY, data)

    def _publish(self, var topic: String, kind: Int, data: Span[UInt8, _]) raises -> Bool:
        var status = self._api[].websocket_publish(
            self._handle, terminated(topic, "the topic"), Int32(kind), bytes_of(data), UInt(len(data))
        )
        _ = topic^
        return _taken(self._api, status)

    def missed(self) -> Int:
        """How many publications it has missed, because it had not taken what was sent before."""
        return Int(self._api[].websocket_missed(self._handle))


def _taken(api: ApiPointer, status: Int32) raises -> Bool:
    if status == ERROR_WOULD_BLOCK:
        return False
    check(api, status)
    return True


trait SocketHandler(Movable, Deinitable):
    """The state of one socket, and what it does: made when the socket opens, destroyed behind its end.

    Called on the socket's worker, which it must not block, one call at a time. What it raises closes the socket with 1011; the message goes
    to the log. An implementation has the methods it needs.
    """

    def open(mut self, socket: WebSocket) raises:
        """The handshake is done."""
        pass

    def message(mut self, socket: WebSocket, message: Message) raises:
        """A message came. Both are borrowed."""
        pass

    def writable(mut self, socket: WebSocket) raises:
        """Messages are taken again, after one was refused."""
        pass

    def close(mut self, socket: WebSocket, code: Int, reason: String) raises:
        """The last call: the socket is closing or gone.

        Args:
            socket: The socket.
            code: The client's close code, or that of its mistake; 1005: it gave none, 1006: it left without goodbye (RFC 6455, 7.4.1).
            reason: In the client's words, or what it did wrong.
        """
        pass


trait Sockets(Movable, Deinitable):
    """Makes the state of each socket of a route. The server owns it, and destroys it once; several workers call it at the same time."""

    comptime State: SocketHandler

    def enter(mut self, request: Request) raises -> Self.State:
        """Makes the state of a socket that opens, from the request that asked for it. What it raises closes the socket with 1011."""
        ...


struct AnySockets(Movable):
    """Whatever WebSockets are handled by, on its way to the library. It is made by itself of the following.

    - a function `def(WebSocket, Message)`, which may raise, for sockets without a state of their own: it gets each message;
    - a struct that is `Sockets`: it makes the state of each socket.
    """

    var _user: Address
    var _open: WebsocketCallback
    var _message: WebsocketMessageCallback
    var _writable: WebsocketCallback
    var _close: WebsocketCloseCallback
    var _destroy: DestroyCallback

    @implicit
    def __init__(out self, function: def(WebSocket, Message) raises thin -> None) raises:
        self = Self(_Stateless(function))

    @implicit
    def __init__(out self, function: def(WebSocket, Message) thin -> None) raises:
        self = Self(_SureStateless(function))

    @implicit
    def __init__[S: Sockets](out self, var sockets: S) raises:
        self._user = boxed(api(), sockets^)
        self._open = _on_open[S]
        self._message = _on_message[S]
        self._writable = _on_writable[S]
        self._close = _on_close[S]
        self._destroy = unbox[S]

    def __deinit__(deinit self):
        if self._user:
            self._destroy(self._user)

    def release(mut self) -> Address:
        """What the library owns from now on."""
        var user = self._user
        self._user = None
        return user


@fieldwise_init
struct _Stateless(Sockets):
    comptime State = _Listening
    var function: def(WebSocket, Message) raises thin -> None

    def enter(mut self, request: Request) raises -> Self.State:
        return _Listening(self.function)


@fieldwise_init
struct _Listening(SocketHandler):
    var function: def(WebSocket, Message) raises thin -> None

    def message(mut self, socket: WebSocket, message: Message) raises:
        self.function(socket, message)


@fieldwise_init
struct _SureStateless(Sockets):
    # As in handler.mojo: one that does not raise.
    comptime State = _SureListening
    var function: def(WebSocket, Message) thin -> None

    def enter(mut self, request: Request) raises -> Self.State:
        return _SureListening(self.function)


@fieldwise_init
struct _SureListening(SocketHandler):
    var function: def(WebSocket, Message) thin -> None

    def message(mut self, socket: WebSocket, message: Message) raises:
        self.function(socket, message)


def _on_open[S: Sockets](socket: Handle, user: Address) abi("C") -> Int32:
    ref box = behind[S](user)
    var borrowed = WebSocket(borrowed=socket, api=box.api)
    try:
        var state = boxed(box.api, box.value.enter(borrowed.request()))
        # The socket owns it from here on, and destroys it behind its last handle.
        check(box.api, box.api[].websocket_set_data(socket, state, unbox[S.State]))
        behind[S.State](state).value.open(borrowed)
        return 0
    except error:
        return _failed(borrowed, error)


def _on_message[
    S: Sockets
](socket: Handle, kind: Int32, data: Bytes, length: UInt, user: Address) abi("C") -> Int32:
    ref box = behind[S](user)
    var borrowed = WebSocket(borrowed=socket, api=box.api)
    var state = box.api[].websocket_data(socket)
    if not state:
        return 0
    try:
        behind[S.State](state).value.message(borrowed, Message(kind, data, Int(length)))
        return 0
    except error:
        return _failed(borrowed, error)


def _on_writable[S: Sockets](socket: Handle, user: Address) abi("C") -> Int32:
    ref box = behind[S](user)
    var borrowed = WebSocket(borrowed=socket, api=box.api)
    var state = box.api[].websocket_data(socket)
    if not state:
        return 0
    try:
        behind[S.State](state).value.writable(borrowed)
        return 0
    except error:
        return _failed(borrowed, error)


def _on_close[S: Sockets](socket: Handle, code: Int32, reason: Text, user: Address) abi("C"):
    ref box = behind[S](user)
    var borrowed = WebSocket(borrowed=socket, api=box.api)
    var state = box.api[].websocket_data(socket)
    if not state:
        # It never came in.
        return
    try:
        behind[S.State](state).value.close(borrowed, Int(code), copied_text(reason))
    except error:
        _ = _failed(borrowed, error)


def _failed(socket: WebSocket, error: Error) -> Int32:
    """Tells the log. What is returned closes the socket."""
    tell_of_socket(socket._api, socket._handle, error)
    return Int32(ERROR_CANCELLED)
