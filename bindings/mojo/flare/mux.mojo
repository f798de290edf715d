"""Many streams on one connection, for sidecars."""

from .api import Handle
from .errors import check
from .library import ApiPointer, api
from .text import bytes_of, place, room, terminated

comptime FOR_EVER = -1
"""A time that does not end."""


struct MuxListener(Movable):
    """Waits for connections that carry many streams. Several threads may accept."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, var address: String) raises:
        """Listens on "unix:/path", "127.0.0.1:80", "[::1]:0" or "name:port". Port 0 is any free one.

        Raises:
            FLARE_ERROR_ADDRESS_IN_USE, FLARE_ERROR_INVALID_ARGUMENT for what is no address, and what else the system says.
        """
        self._api = api()
        self._handle = 0
        var status = self._api[].mux_listener_bind(terminated(address, "the address"), place(self._handle))
        _ = address^
        check(self._api, status)

    def __deinit__(deinit self):
        # Threads that wait return; connections that nobody accepted end, the others live on.
        _ = self._api[].mux_listener_free(self._handle)

    def address(self) raises -> String:
        """Where it listens, with the port that was found."""
        var buffer = List[UInt8](length=256, fill=0)
        var length = Int(self._api[].mux_listener_address(self._handle, room(buffer), UInt(len(buffer))))
        return String(from_utf8_lossy=Span(buffer)[: min(length, len(buffer) - 1)])

    def accept(self, timeout_ms: Int = FOR_EVER) raises -> Mux:
        """Takes the next connection, and waits for it.

        Raises:
            FLARE_ERROR_TIMEOUT, and FLARE_ERROR_CLOSED when `close` was called meanwhile.
        """
        var mux = Handle(0)
        check(self._api, self._api[].mux_listener_accept(self._handle, Int64(timeout_ms), place(mux)))
        return Mux(self._api, mux)

    def close(mut self) raises:
        """Stops listening, as the end of the value does; for when other threads wait in `accept`."""
        check(self._api, self._api[].mux_listener_free(self._handle))


struct Mux(Movable):
    """One end of a connection that carries many streams. Any thread may use it.

    When it is destroyed threads that wait in `accept` return, and the connection ends with its last stream; what was finished is sent
    before.
    """

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, library: ApiPointer, handle: Handle):
        self._api = library
        self._handle = handle

    @staticmethod
    def connect(var address: String, timeout_ms: Int = FOR_EVER) raises -> Mux:
        """Connects to an address as that of `MuxListener`. Looking up a name blocks.

        Args:
            address: Where to.
            timeout_ms: How long it may take, without the look-up; -1: 10 seconds.

        Raises:
            FLARE_ERROR_TIMEOUT, FLARE_ERROR_INVALID_ARGUMENT for what is no address, and what the system says.
        """
        var library = api()
        var mux = Handle(0)
        var status = library[].mux_connect(terminated(address, "the address"), Int64(timeout_ms), place(mux))
        _ = address^
        check(library, status)
        return Mux(library, mux)

    def __deinit__(deinit self):
        _ = self._api[].mux_free(self._handle)

    def open(self) raises -> MuxStream:
        """Opens a stream. Does not wait for the peer: if that refuses it, the stream is cancelled.

        Raises:
            FLARE_ERROR_LIMIT when 1024 are open, FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
        """
        var stream = Handle(0)
        check(self._api, self._api[].mux_open(self._handle, place(stream)))
        return MuxStream(self._api, stream)

    def accept(self, timeout_ms: Int = FOR_EVER) raises -> MuxStream:
        """Takes the next stream that the peer opened, and waits for it.

        Raises:
            FLARE_ERROR_TIMEOUT, and FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
        """
        var stream = Handle(0)
        check(self._api, self._api[].mux_accept(self._handle, Int64(timeout_ms), place(stream)))
        return MuxStream(self._api, stream)


struct MuxStream(Movable):
    """One stream of bytes, both ways. Any thread may use it, and one may read while another writes.

    When it is destroyed it is cancelled, unless both ends are done; what was finished is still sent.
    """

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, library: ApiPointer, handle: Handle):
        self._api = library
        self._handle = handle

    def __deinit__(deinit self):
        _ = self._api[].mux_stream_free(self._handle)

    def write(self, data: Span[UInt8, _]) raises:
        """Sends bytes, all or none, without waiting. They are taken while no more than 256 KiB wait for the peer.

        Raises:
            FLARE_ERROR_WOULD_BLOCK when too many wait, FLARE_ERROR_FINISHED after `finish`, FLARE_ERROR_CANCELLED when the stream was
            ended, FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL when the connection is over.
        """
        check(self._api, self._api[].mux_stream_write(self._handle, bytes_of(data), UInt(len(data))))

    def write_blocking(self, data: Span[UInt8, _], timeout_ms: Int = FOR_EVER) raises:
        """Sends bytes, all or none, and waits until the peer has taken enough of those before.

        Raises:
            As `write`, but FLARE_ERROR_TIMEOUT instead of FLARE_ERROR_WOULD_BLOCK.
        """
        var status = self._api[].mux_stream_write_blocking(
            self._handle, bytes_of(data), UInt(len(data)), Int64(timeout_ms)
        )
        check(self._api, status)

    def read(self, mut buffer: List[UInt8], timeout_ms: Int = FOR_EVER) raises -> Int:
        """Reads what has come into a buffer with room for at least one byte, and waits for some.

        Returns:
            How many bytes; 0 when the peer is done.

        Raises:
            FLARE_ERROR_TIMEOUT, and after all bytes that came before FLARE_ERROR_CANCELLED, FLARE_ERROR_CLOSED or FLARE_ERROR_PROTOCOL.
        """
        var length = UInt(0)
        var status = self._api[].mux_stream_read(
            self._handle, room(buffer), UInt(len(buffer)), Int64(timeout_ms), place(length)
        )
        check(self._api, status)
        return Int(length)

    def finish(self) raises:
        """Says that this end sends no more; what was sent before arrives first. Reading goes on."""
        check(self._api, self._api[].mux_stream_finish(self._handle))

    def error(self, var message: String) raises:
        """Ends the stream in both directions with a text for the peer, of which 1024 bytes are sent."""
        var status = self._api[].mux_stream_error(self._handle, terminated(message, "the message"))
        _ = message^
        check(self._api, status)

    def cancel(self) raises:
        """Ends the stream in both directions. What was not sent yet is dropped."""
        check(self._api, self._api[].mux_stream_cancel(self._handle))
