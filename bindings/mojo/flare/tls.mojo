"""TLS of a server."""

from .api import Address, Handle, Text
from .boxed import behind, boxed, unbox
from .errors import check, check_handle, copied_text
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

    def set_resolver[R: TlsResolver](mut self, var resolver: R) raises:
        """Has certificates chosen by code, before the names of the certificates are looked at. It belongs to these settings, and to the servers
        that are made with them."""
        var user = boxed(self._api, _Choosing(resolver^, Tls()))
        check(self._api, self._api[].tls_set_resolver(self._handle, _resolve[R], user, unbox[_Choosing[R]]))

    def handle(self) -> Handle:
        """The handle of the C API, for `TlsResolver.choose`."""
        return self._handle


trait TlsResolver(Movable, Deinitable):
    """Chooses certificates: for servers with more than they can hold, or with new ones at any time."""

    def choose(mut self, server_name: Optional[String]) raises -> Handle:
        """Called on a worker in each handshake, which it must not block, and by several workers at the same time.

        Args:
            server_name: In lower case; None when the client asks for none.

        Returns:
            `Tls.handle` of settings that it keeps, whose first certificate is shown; 0 for the certificate that the server's own settings have
            for the name.

        Raises:
            Whatever it wants: the client is refused.
        """
        ...


@fieldwise_init
struct _Choosing[R: TlsResolver](Movable):
    """A resolver, and settings without a certificate, which stand for a refusal."""

    var resolver: Self.R
    var none: Tls


def _resolve[R: TlsResolver](server_name: Text, user: Address) abi("C") -> Handle:
    """What the library calls for a `TlsResolver`."""
    var name: Optional[String] = None
    if server_name:
        name = copied_text(server_name)
    ref choosing = behind[_Choosing[R]](user).value
    try:
        return choosing.resolver.choose(name)
    except:
        return choosing.none.handle()
