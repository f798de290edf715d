"""What makes connections to others."""

from .api import ERROR_WOULD_BLOCK, Handle
from .client_tls import ClientTls
from .connection import Connection
from .errors import check, check_handle
from .library import ApiPointer, api
from .text import place, terminated


struct Connector(Movable):
    """Settings of connections to others, and what makes them. Any thread may use it. docs/c-api/connector.md lists the settings."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self) raises:
        """Makes a connector with safe defaults, without TLS.

        Raises:
            When the library is missing, or there is no memory.
        """
        self._api = api()
        self._handle = check_handle(self._api, self._api[].connector_new())

    def __init__(out self, tls: ClientTls) raises:
        """The same, with TLS.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for a setting that is wrong.
        """
        self = Self()
        tls.apply(self._api, self._handle)

    def __deinit__(deinit self):
        # What it has made, or is making, goes on.
        _ = self._api[].connector_free(self._handle)

    def set(mut self, var name: String, value: Int) raises:
        """Sets a number, a time in milliseconds or a switch (0 or 1) by its name, such as `timeout_ms`.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
        """
        var status = self._api[].connector_set_number(self._handle, terminated(name, "the name"), Int64(value))
        _ = name^
        check(self._api, status)

    def set(mut self, var name: String, var value: String) raises:
        """Sets a text by its name, such as `local_address`."""
        var status = self._api[].connector_set_text(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def set_certificate_files(mut self, var chain: String, var key: String) raises:
        """Who the client is, for servers that ask for a certificate: a chain and its key, as PEM files. They are read now, to check them, and again
        when the next connection is made. Turns TLS on.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT, with the file and what was expected.
        """
        var status = self._api[].connector_set_certificate_files(
            self._handle, terminated(chain, "the chain"), terminated(key, "the key")
        )
        _ = chain^
        _ = key^
        check(self._api, status)

    def connect(self, var target: String) raises -> Connection:
        """Connects to "127.0.0.1:80", "[::1]:80", "unix:/path" or "name:port", and blocks until that is done, with the TLS handshake, or the
        time of the setting `timeout_ms` is over.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for what is no target, or a setting that is wrong; FLARE_ERROR_NOT_FOUND, _TIMEOUT, _PROTOCOL when the
            handshake failed, _IO when nobody could be reached. The message says which step failed, and each address that was tried.
        """
        var connection = Handle(0)
        var status = self._api[].connector_connect(self._handle, terminated(target, "the target"), place(connection))
        _ = target^
        check(self._api, status)
        return Connection(self._api, connection)

    def begin(self, var target: String) raises -> Connecting:
        """Begins to connect, and blocks nowhere."""
        var connecting = Handle(0)
        var status = self._api[].connector_begin(self._handle, terminated(target, "the target"), place(connecting))
        _ = target^
        check(self._api, status)
        return Connecting(self._api, connecting)


struct Connecting(Movable):
    """A connection that is being made, for a loop: watch `fd` for readability, and call `poll` when it is readable. One thread at a time polls,
    any other may cancel. Destroying it gives up."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, api: ApiPointer, handle: Handle):
        self._api = api
        self._handle = handle

    def __deinit__(deinit self):
        _ = self._api[].connecting_free(self._handle)

    def fd(self) raises -> Int:
        """The descriptor to watch; only to be watched."""
        var fd = self._api[].connecting_fd(self._handle)
        check(self._api, fd)
        return Int(fd)

    def poll(mut self) raises -> Optional[Connection]:
        """Does what can be done without waiting. None while it goes on.

        Raises:
            FLARE_ERROR_CANCELLED after `cancel`, FLARE_ERROR_FINISHED when it had ended before, and else as `Connector.connect`.
        """
        var connection = Handle(0)
        var status = self._api[].connecting_poll(self._handle, place(connection))
        if status == ERROR_WOULD_BLOCK:
            return None
        check(self._api, status)
        return Connection(self._api, connection)

    def cancel(self) raises:
        """Gives up, from any thread: `poll` closes everything that was begun."""
        check(self._api, self._api[].connecting_cancel(self._handle))
