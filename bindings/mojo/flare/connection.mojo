"""A connection to somebody else."""

from .api import Handle
from .errors import check
from .library import ApiPointer
from .text import bytes_of, place, room, terminated

comptime FOR_EVER = -1
"""A time that does not end."""


struct Connection(Movable):
    """A connection that was made, encrypted or not. Any thread may use it, and one may read while another writes.

    Destroying it closes it, unless a `Client` was made of it: then that goes on.
    """

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, api: ApiPointer, handle: Handle):
        self._api = api
        self._handle = handle

    def __deinit__(deinit self):
        _ = self._api[].connection_free(self._handle)

    def read(self, mut buffer: List[UInt8], timeout_ms: Int = FOR_EVER) raises -> Int:
        """Reads what has come into a buffer with room for at least one byte, and waits for some; 0 does not wait.

        Returns:
            How many bytes; 0 when the peer is done.

        Raises:
            FLARE_ERROR_TIMEOUT, or FLARE_ERROR_WOULD_BLOCK when it was not to wait. FLARE_ERROR_CLOSED when the connection was lost, or an
            encrypted one was cut; FLARE_ERROR_PROTOCOL when the peer broke the rules of TLS.
        """
        var length = UInt(0)
        var status = self._api[].connection_read(
            self._handle, room(buffer), UInt(len(buffer)), Int64(timeout_ms), place(length)
        )
        check(self._api, status)
        return Int(length)

    def write(self, data: Span[UInt8, _], timeout_ms: Int = FOR_EVER) raises:
        """Writes all bytes, and waits until they are taken.

        Raises:
            FLARE_ERROR_TIMEOUT when only some were taken in time; FLARE_ERROR_CLOSED when the peer is gone, or after `close_write`.
        """
        var written = UInt(0)
        var status = self._api[].connection_write(
            self._handle, bytes_of(data), UInt(len(data)), Int64(timeout_ms), place(written)
        )
        check(self._api, status)

    def try_write(self, data: Span[UInt8, _]) raises -> Int:
        """Writes what is taken without waiting.

        Returns:
            How many bytes.

        Raises:
            FLARE_ERROR_CLOSED when the peer is gone, or after `close_write`.
        """
        var written = UInt(0)
        var status = self._api[].connection_write(self._handle, bytes_of(data), UInt(len(data)), 0, place(written))
        if written == 0 and len(data) > 0:
            check(self._api, status)
        return Int(written)

    def flush(self, timeout_ms: Int = FOR_EVER) raises:
        """Gives to the system what an encrypted connection has taken and could not send yet. Reading does so too."""
        check(self._api, self._api[].connection_flush(self._handle, Int64(timeout_ms)))

    def close_write(self) raises:
        """Says that nothing more will be written: the peer reads the end behind the last byte. Reading goes on."""
        check(self._api, self._api[].connection_close_write(self._handle))

    def close(self) raises:
        """Ends both directions at once, also for threads that wait in a call."""
        check(self._api, self._api[].connection_close(self._handle))

    def fd(self) raises -> Int:
        """The socket, to watch; only to be watched. An encrypted connection may have more to read when its socket has none."""
        var fd = self._api[].connection_fd(self._handle)
        check(self._api, fd)
        return Int(fd)

    def peer(self) -> String:
        """The address that was reached."""
        var buffer = List[UInt8](length=160, fill=0)
        var length = Int(self._api[].connection_peer(self._handle, room(buffer), UInt(len(buffer))))
        return String(from_utf8_lossy=Span(buffer)[: min(length, len(buffer) - 1)])

    def tls(self, var name: String) raises -> Optional[String]:
        """What was agreed in the TLS handshake: `version` ("TLSv1.3"), `suite`, `alpn`, `resumed` ("1" or "0"). None on a connection without
        TLS."""
        var buffer = List[UInt8](length=256, fill=0)
        var key = terminated(name, "the name")
        var length = Int(self._api[].connection_tls(self._handle, key, room(buffer), UInt(len(buffer))))
        _ = name^
        if length == 0:
            return None
        return String(from_utf8_lossy=Span(buffer)[: min(length, len(buffer) - 1)])
