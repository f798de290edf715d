"""Requests to a server, on one connection."""

from .api import ERROR_CLOSED, ERROR_WOULD_BLOCK, EVENT_CANCELLED, Bytes, Handle
from .client_request import ClientRequest
from .client_response import ClientResponse
from .connection import FOR_EVER, Connection
from .connector import Connector
from .errors import check
from .event import EventKind
from .library import ApiPointer
from .text import bytes_of, place, terminated


struct Client(Movable):
    """A connection to a server, ready for requests, in HTTP/1.1, HTTP/2 or HTTP/3. There is no pool: whoever makes it owns its connection.

    One thread uses it at a time, others wait for it; `abort` never waits. Destroying it closes the connection: exchanges that are not whole are
    over then, and what was read of answers stays as long as they are kept.
    """

    var _api: ApiPointer
    var _handle: Handle
    # The answers of exchanges that run, kept until their last event: Mojo destroys a request after its last use, which may be `open`.
    var _running: List[Handle]

    def __init__(out self, connection: Connection, *, version: Int = 0) raises:
        """Makes a client of a connection, which may still be asked for its peer and for TLS, and destroyed.

        Args:
            connection: The client reads and writes it from now on.
            version: 11 for HTTP/1.1; 20 for HTTP/2, which the server is known to speak; 0 for what was agreed by ALPN, and without that
                HTTP/1.1.

        Raises:
            FLARE_ERROR_INVALID_STATE when the connection has a client.
        """
        self._api = connection._api
        self._handle = 0
        self._running = []
        check(self._api, self._api[].client_new(connection._handle, Int32(version), place(self._handle)))

    def __init__(out self, api: ApiPointer, handle: Handle):
        self._api = api
        self._handle = handle
        self._running = []

    @staticmethod
    def connect(connector: Connector, var target: String, *, version: Int = 0) raises -> Client:
        """Connects, and makes a client of it.

        Args:
            connector: Its settings.
            target: "127.0.0.1:80", "[::1]:80", "unix:/path" or "name:port".
            version: As above, or 30 for HTTP/3: by QUIC and with TLS, whose settings are the connector's or the defaults.

        Raises:
            As `Connector.connect`.
        """
        var client = Handle(0)
        var status = connector._api[].client_connect(
            connector._handle, terminated(target, "the target"), Int32(version), place(client)
        )
        _ = target^
        check(connector._api, status)
        return Client(connector._api, client)

    def __deinit__(deinit self):
        _ = self._api[].client_free(self._handle)
        for response in self._running:
            _ = self._api[].response_release(response)

    def set(mut self, var name: String, value: Int) raises:
        """Sets `timeout_ms`, how long `fetch` and `write_blocking` wait (30000), or `max_content`, the longest content that `fetch` collects
        (64 MiB)."""
        var status = self._api[].client_set_number(self._handle, terminated(name, "the name"), Int64(value))
        _ = name^
        check(self._api, status)

    def fetch(mut self, request: ClientRequest) raises -> ClientResponse:
        """Sends a request without content, and waits for the whole answer, at most `timeout_ms`.

        Raises:
            FLARE_ERROR_WOULD_BLOCK when the connection takes no other request now, FLARE_ERROR_CLOSED when it is over, FLARE_ERROR_TIMEOUT,
            FLARE_ERROR_LIMIT for more content than `max_content`, FLARE_ERROR_REFUSED when the server did nothing about it. The request may be
            sent again then. FLARE_ERROR_FINISHED when it was sent before.
        """
        return self.fetch(request, Span[UInt8, ImmStaticOrigin]())

    def fetch(mut self, request: ClientRequest, text: StringSpan) raises -> ClientResponse:
        """The same, with text as content."""
        return self.fetch(request, text.as_bytes())

    def fetch(mut self, request: ClientRequest, content: Span[UInt8, _]) raises -> ClientResponse:
        """The same, with bytes as content."""
        var response = Handle(0)
        var status = self._api[].client_fetch(
            self._handle, request._handle, bytes_of(content), UInt(len(content)), place(response)
        )
        check(self._api, status)
        return ClientResponse(borrowed=response, api=self._api).keep()

    def open(mut self, request: ClientRequest, *, tag: Int = 0) raises -> Bool:
        """Begins an exchange: sends the head, as far as that goes without waiting. `next` tells what comes of it.

        Args:
            request: The client keeps its exchange until the last event; who gives content keeps the request too.
            tag: Comes with each event of the exchange; not negative.

        Returns:
            False when the connection takes no other request now: HTTP/1.1 has one under way, or HTTP/2 as many as the server allows.

        Raises:
            FLARE_ERROR_CLOSED when the connection is over, FLARE_ERROR_FINISHED when the request was sent before, FLARE_ERROR_INVALID_ARGUMENT for
            one that can't be sent.
        """
        self._forget_cancelled()
        var response = Handle(0)
        var status = self._api[].client_open(self._handle, request._handle, UInt64(tag), place(response))
        if status == ERROR_WOULD_BLOCK:
            return False
        check(self._api, status)
        check(self._api, self._api[].response_retain(response))
        self._running.append(response)
        return True

    def _forget_cancelled(mut self):
        # No event of them comes any more.
        var kept = List[Handle]()
        for response in self._running:
            if self._api[].response_cancelled(response) == 0:
                kept.append(response)
            else:
                _ = self._api[].response_release(response)
        self._running = kept^

    def next(mut self, timeout_ms: Int = FOR_EVER) raises -> Optional[ClientEvent]:
        """Sends what waits, and gives the next event of any exchange; waits for it. None when the connection is over.

        Content counts as used when its event was taken: who takes no events stops the server.

        Raises:
            FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when `timeout_ms` is 0.
        """
        var event = ClientEvent(self._api)
        var status = self._next(event, timeout_ms)
        if status == ERROR_CLOSED:
            return None
        check(self._api, status)
        return event^

    def poll(mut self) raises -> Optional[ClientEvent]:
        """The next event without waiting, for a loop; None when there is none: watch `fd`.

        Raises:
            FLARE_ERROR_CLOSED when the connection is over.
        """
        var event = ClientEvent(self._api)
        var status = self._next(event, 0)
        if status == ERROR_WOULD_BLOCK:
            return None
        check(self._api, status)
        return event^

    def _next(mut self, mut event: ClientEvent, timeout_ms: Int) -> Int32:
        var response = Handle(0)
        var start: Bytes = None
        var length = UInt(0)
        var status = self._api[].client_next(
            self._handle,
            Int64(timeout_ms),
            place(event.kind._code),
            place(response),
            place(event._tag),
            place(start),
            place(length),
        )
        if status != 0:
            return status
        if start:
            event._content.extend(Span(unsafe_ptr=start.value(), length=Int(length)))
        # Otherwise 65,535 hold it already, and this event is without it.
        if self._api[].response_retain(response) == 0:
            event.response = ClientResponse(owned=response, api=self._api)
        if event.kind == EventKind.END or event.kind == EventKind.CANCELLED:
            self._end(response)
        return 0

    def _end(mut self, response: Handle):
        for i in range(len(self._running)):
            if self._running[i] == response:
                _ = self._api[].response_release(self._running.pop(i))
                return

    def can_open(self) raises -> Bool:
        """Whether another request would be taken now."""
        var can = self._api[].client_can_open(self._handle)
        check(self._api, can)
        return can == 1

    def version(self) raises -> Int:
        """The version of HTTP that is spoken: 11, or 20 or 30, in which several exchanges run at a time."""
        var version = self._api[].client_version(self._handle)
        check(self._api, version)
        return Int(version)

    def fd(self) raises -> Int:
        """The descriptor to watch for reading, and for writing while `wants_write`; then `poll` until there is no event."""
        var fd = self._api[].client_fd(self._handle)
        check(self._api, fd)
        return Int(fd)

    def wants_write(mut self) raises -> Bool:
        """Whether a loop should watch the descriptor for writing too."""
        var wants = self._api[].client_wants_write(self._handle)
        check(self._api, wants)
        return wants == 1

    def close(mut self) raises:
        """Ends the connection in peace: exchanges that run go on, no other is begun."""
        check(self._api, self._api[].client_close(self._handle))

    def abort(self) raises:
        """Ends the connection at once, from any thread: exchanges that are not whole end with CANCELLED. With HTTP/3 a
        thread that waits ends it behind the next event, or behind its wait."""
        check(self._api, self._api[].client_abort(self._handle))


struct ClientEvent(Movable):
    """What happened to an exchange of a `Client`."""

    var kind: EventKind
    """INFORMATIONAL, HEAD, DATA, END, SWITCHED, WRITABLE or CANCELLED. The last one is END or CANCELLED."""

    var response: ClientResponse
    """The answer, as far as it has come; with INFORMATIONAL the interim one. With CANCELLED its `failure` says why."""

    var _tag: UInt64
    var _content: List[UInt8]

    def __init__(out self, api: ApiPointer):
        self.kind = EventKind(Int32(EVENT_CANCELLED))
        self.response = ClientResponse(borrowed=0, api=api)
        self._tag = 0
        self._content = []

    def tag(self) -> Int:
        """What `Client.open` was given."""
        return Int(self._tag)

    def data(self) -> Span[UInt8, origin_of(self._content)]:
        """The content that came, with DATA; otherwise nothing."""
        return Span(self._content)
