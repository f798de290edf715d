"""TLS of connections to others."""

from .api import Handle
from .errors import check
from .library import ApiPointer
from .text import bytes_of, terminated


struct ClientTls(Movable):
    """Whom a client of TLS believes, who it is, and its settings, for `Connector`.

    Without settings: TLS 1.2 and 1.3 with forward-secret suites, the authorities of the system, and the name that is connected to.
    docs/c-api/connector.md lists the settings; here their names have no `tls_` before them.
    """

    var _numbers: List[Tuple[String, Int]]
    var _texts: List[Tuple[String, String]]
    var _roots: List[List[UInt8]]
    var _chain: List[UInt8]
    var _key: List[UInt8]

    def __init__(
        out self,
        *,
        var alpn: String = String(),
        var roots: String = String(),
        var server_name: String = String(),
        insecure_any_certificate: Bool = False,
    ):
        """Makes settings.

        Args:
            alpn: The application protocols, the preferred one first, with commas between them: "h2,http/1.1".
            roots: A PEM file of the authorities to believe, and no others.
            server_name: The name that the certificate must be for, and that is asked for.
            insecure_any_certificate: Believes anybody, also somebody in the middle: for tests.
        """
        self._numbers = []
        self._texts = []
        self._roots = []
        self._chain = []
        self._key = []
        if alpn:
            self.set("alpn", alpn^)
        if roots:
            self.set("roots", roots^)
        if server_name:
            self.set("server_name", server_name^)
        if insecure_any_certificate:
            self.set("insecure_any_certificate", 1)

    def set(mut self, var name: String, value: Int):
        """Sets a number, a time in milliseconds or a switch (0 or 1) by its name. `Connector` tells whether it fits."""
        self._numbers.append((name^, value))

    def set(mut self, var name: String, var value: String):
        """Sets a text by its name, or adds a file."""
        self._texts.append((name^, value^))

    def add_roots(mut self, pem: Span[UInt8, _]):
        """Believes these authorities, as PEM in memory."""
        self._roots.append(List[UInt8](pem))

    def set_certificate(mut self, chain: Span[UInt8, _], key: Span[UInt8, _]):
        """Who the client is, for servers that ask for a certificate: a chain and its key, as PEM in memory."""
        self._chain = List[UInt8](chain)
        self._key = List[UInt8](key)

    def apply(self, api: ApiPointer, connector: Handle) raises:
        """Gives all of it to a connector."""
        _set_number(api, connector, "tls", 1)
        for ref pair in self._numbers:
            _set_number(api, connector, "tls_" + pair[0], pair[1])
        for ref pair in self._texts:
            _set_text(api, connector, "tls_" + pair[0], pair[1])
        for ref pem in self._roots:
            check(api, api[].connector_add_roots(connector, bytes_of(pem), UInt(len(pem))))
        if len(self._chain) > 0:
            check(
                api,
                api[].connector_set_certificate_pem(
                    connector, bytes_of(self._chain), UInt(len(self._chain)), bytes_of(self._key), UInt(len(self._key))
                ),
            )


def _set_number(api: ApiPointer, connector: Handle, var name: String, value: Int) raises:
    var status = api[].connector_set_number(connector, terminated(name, "the name"), Int64(value))
    _ = name^
    check(api, status)


def _set_text(api: ApiPointer, connector: Handle, var name: String, var value: String) raises:
    var status = api[].connector_set_text(connector, terminated(name, "the name"), terminated(value, "the value"))
    _ = name^
    _ = value^
    check(api, status)
