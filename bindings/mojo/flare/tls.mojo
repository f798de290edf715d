"""TLS of a server."""

from .api import Handle
from .errors import check, check_handle
from .library import ApiPointer, api
from .text import bytes_of, terminated


struct Tls(Movable):
    """Certificates, keys and settings of a server that speaks TLS, for `Server.listen_tls`. A server keeps a copy.

    TLS 1.2 and 1.3 with forward-secret suites; HTTP/2 and HTTP/1.1 are agreed by ALPN. docs/c-api/tls.md lists the settings.
    """

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self) raises:
        """Makes settings with safe defaults and no certificate.

        Raises:
            When the library is missing, or there is no memory.
        """
        self._api = api()
        self._handle = check_handle(self._api, self._api[].tls_new())

    def __init__(out self, var chain: String, var key: String) raises:
        """The same with certificates and their key from PEM files; see `add_files`."""
        self = Self()
        self.add_files(chain^, key^)

    def __deinit__(deinit self):
        _ = self._api[].tls_free(self._handle)

    @staticmethod
    def self_signed(var names: String) raises -> Tls:
        """A new key and a certificate for names (with commas between) that nobody believes, for 90 days. For development."""
        var made = Tls()
        var status = made._api[].tls_add_self_signed(made._handle, terminated(names, "the names"))
        _ = names^
        check(made._api, status)
        return made^

    def add_files(mut self, var chain: String, var key: String) raises:
        """Adds certificates and their key from PEM files. Clients that ask for one of its names get them; the first are for all others.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT, with the file, the block and what was expected.
        """
        var status = self._api[].tls_add_files(self._handle, terminated(chain, "the chain"), terminated(key, "the key"))
        _ = chain^
        _ = key^
        check(self._api, status)

    def add_pem(mut self, chain: Span[UInt8, _], key: Span[UInt8, _]) raises:
        """The same from memory."""
        check(
            self._api,
            self._api[].tls_add_pem(self._handle, bytes_of(chain), UInt(len(chain)), bytes_of(key), UInt(len(key))),
        )

    def set(mut self, var name: String, value: Int) raises:
        """Sets a number, a time in milliseconds or a switch (0 or 1) by its name.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
        """
        var status = self._api[].tls_set_number(self._handle, terminated(name, "the name"), Int64(value))
        _ = name^
        check(self._api, status)

    def set(mut self, var name: String, var value: String) raises:
        """Sets a text by its name, or adds a file. `client_roots` needs `client_auth` first."""
        var status = self._api[].tls_set_text(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)
