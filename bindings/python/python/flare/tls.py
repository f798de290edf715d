"""TLS of servers and of clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ._flare import Identity, TlsSession, check_tls, self_signed
from .settings import milliseconds

if TYPE_CHECKING:
    from ._flare import _GivenClientTls, _GivenTls

__all__ = ["ClientTls", "Identity", "Pem", "Tls", "TlsSession"]

Pem = str | os.PathLike[str] | bytes
"""A PEM file by its path, which is read again on each reload; or, as bytes, what would be in it."""

_VERSIONS = {"TLSv1.2": 12, "TLSv1.3": 13}
_CLIENT_AUTH = {"none": 0, "optional": 1, "required": 2}


@dataclass(frozen=True)
class Tls:
    """Certificates, keys and settings of a server that speaks TLS. `None` leaves the safe default of the core.

        app.run("0.0.0.0", 443, tls=Tls("chain.pem", "key.pem"))

    TLS 1.2 and 1.3 with forward-secret suites; HTTP/2 and HTTP/1.1 are agreed by ALPN. Times are in seconds, sizes in bytes. Files are read
    when the server is made; `ValueError` says which file and block is wrong.
    """

    certificate: Pem
    """The certificate of the server, then those that vouch for it, without the root."""
    key: Pem | None = field(default=None, repr=False)
    """Its private key: PKCS#8, PKCS#1 or SEC1, not encrypted. `None`: it is in the same file."""
    also: Sequence[tuple[Pem, Pem]] = field(default=(), repr=False)
    """More certificates, each with its key: for clients that ask for one of their names. The first one is for all others."""
    names: Sequence[str] = ()
    """The names of the first certificate, `*.example.org` for one label. Default: those in it."""
    resolver: Callable[[str | None], Identity | None] | None = field(default=None, repr=False)
    """Asked first in each handshake, with the name that the client asks for (in lower case; `None` without one): gives an `Identity`, or
    `None` for the certificate that these settings have. Called in the thread of the loop, so it must not wait. What it raises is logged,
    and refuses the client."""
    ocsp: str | os.PathLike[str] | None = None
    """A file with an OCSP response as DER, which is sent with the first certificate."""
    client_auth: Literal["none", "optional", "required"] | None = None
    """Certificates of clients: not asked for, checked if there is one, or required. Default "required" with `client_roots`, else "none"."""
    client_roots: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = ()
    """PEM files with the authorities of client certificates."""
    client_revocation_lists: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = ()
    """PEM files with revocation lists. If there is one, every client certificate must be covered by one that is up to date."""
    min_version: Literal["TLSv1.2", "TLSv1.3"] | None = None
    """The oldest version. Default "TLSv1.2"."""
    alpn: Sequence[str] = ()
    """The application protocols, the preferred one first. Default "h2", "http/1.1"."""
    handshake_timeout: float | None = None
    """From accept to the end of the handshake. Then the connection closes. Default 10."""
    max_handshakes: int | None = None
    """Handshakes at once; more wait in line. Default 1024."""
    tickets: bool | None = None
    """Whether clients keep their session, encrypted. `False`: it is kept here. Default `True`. Each worker process has keys of its own."""
    tickets_sent: int | None = None
    """How many tickets a client of TLS 1.3 gets. 0 to 8, default 2."""
    ticket_key_lifetime: float | None = None
    """How long the key of new tickets lasts. 1 to 21600, default 21600."""
    session_cache: int | None = None
    """Sessions kept here for clients without tickets. Default 4096."""
    early_data_limit: int | None = None
    """What a client may send before the handshake has ended (0-RTT). 0 to 1048576, default 0. Needs `tickets=False`."""
    early_data_unsafe_methods: bool | None = None
    """Whether such requests may have any method. Default `False`: those that are not safe are answered with 425 (RFC 8470)."""
    watch: float | None = None
    """How often to look whether files changed; good new ones are taken. 0.1 to 86400; default: never."""
    key_log: str | os.PathLike[str] | None = None
    """A file that the secrets of all connections are appended to (`SSLKEYLOGFILE`): whoever has it can read everything."""

    @classmethod
    def self_signed(cls, *names: str) -> Tls:
        """A new key and a certificate for these names (default "localhost") that nobody believes, for 90 days. For development."""
        return cls(*self_signed(list(names) or ["localhost"]))

    def check(self) -> None:
        """Reads all files and checks everything. `ValueError` says what is wrong."""
        check_tls(self._given())

    def _given(self) -> _GivenTls:
        """As the core reads it: what others need first comes first."""
        key = self.certificate if self.key is None else self.key
        identities = [(_pem("certificate", self.certificate), _pem("key", key))]
        identities += [(_pem("also", chain), _pem("also", its_key)) for chain, its_key in self.also]
        roots, lists = _paths(self.client_roots), _paths(self.client_revocation_lists)
        auth = self.client_auth or ("required" if roots else None)
        numbers: dict[str, float | None] = {
            "client_auth": _one_of("client_auth", auth, _CLIENT_AUTH),
            "early_data_limit": self.early_data_limit,
            "early_data_unsafe_methods": self.early_data_unsafe_methods,
            "min_version": _one_of("min_version", self.min_version, _VERSIONS),
            "handshake_timeout_ms": milliseconds("tls: handshake_timeout", self.handshake_timeout),
            "max_handshakes": self.max_handshakes,
            "tickets": self.tickets,
            "tickets_sent": self.tickets_sent,
            "ticket_key_lifetime_ms": milliseconds("tls: ticket_key_lifetime", self.ticket_key_lifetime),
            "session_cache": self.session_cache,
            "watch_ms": milliseconds("tls: watch", self.watch),
        }
        texts = [
            ("alpn", ",".join(_names("alpn", self.alpn)) or None),
            ("names", ",".join(_names("names", self.names)) or None),
            ("ocsp", None if self.ocsp is None else os.fspath(self.ocsp)),
            ("key_log", None if self.key_log is None else os.fspath(self.key_log)),
            *(("client_roots", path) for path in roots),
            *(("client_revocation_lists", path) for path in lists),
        ]
        settings: list[tuple[str, str | int]] = []
        for name, number in numbers.items():
            if number is not None:
                if int(number) != number:
                    raise TypeError(f"tls: {name} is a whole number, not {number!r}")
                settings.append((name, int(number)))
        settings += [(name, text) for name, text in texts if text is not None]
        if self.resolver is not None and not callable(self.resolver):
            raise TypeError(f"tls: resolver: {self.resolver!r} is no function")
        return {"identities": identities, "resolver": self.resolver, "settings": settings}


@dataclass(frozen=True)
class ClientTls:
    """Whom a client of TLS believes, who it is, and its settings. `None` leaves the safe default of the core.

        flare.Client("https://internal.example", tls=ClientTls(roots="ca.pem"))

    TLS 1.2 and 1.3 with forward-secret suites. Times are in seconds. Files are read when the client is made; `ValueError` says which file
    and block is wrong.
    """

    roots: Pem | Sequence[Pem] = field(default=(), repr=False)
    """The authorities to believe, and no others. Default: those of the operating system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`."""
    revocation_lists: Pem | Sequence[Pem] = field(default=(), repr=False)
    """Revocation lists. If there is one, the certificate of the server must be covered by one that is up to date."""
    certificate: Pem | None = field(default=None, repr=False)
    """Who the client is, for servers that ask: its certificate, then those that vouch for it."""
    key: Pem | None = field(default=None, repr=False)
    """The private key of that. `None`: it is in the same file."""
    server_name: str | None = None
    """The name that the certificate must be for, and that is asked for. Default: the name that is connected to."""
    min_version: Literal["TLSv1.2", "TLSv1.3"] | None = None
    """The oldest version. Default "TLSv1.2"."""
    handshake_timeout: float | None = None
    """How long the handshake may take; the time to connect counts too. Default 10."""
    resumption: int | None = None
    """Servers whose sessions are kept, to come back without a full handshake. 0 to 65536, default 256."""
    key_log: str | os.PathLike[str] | None = None
    """A file that the secrets of all connections are appended to (`SSLKEYLOGFILE`): whoever has it can read everything."""
    insecure_any_certificate: bool = False
    """Believes anybody: the server may be somebody in the middle. For tests."""

    def _given(self, alpn: Sequence[str]) -> _GivenClientTls:
        """As the core reads it."""
        roots, lists = _pems("roots", self.roots), _pems("revocation_lists", self.revocation_lists)
        if self.insecure_any_certificate and (roots or lists):
            raise ValueError("tls: either roots, or insecure_any_certificate")
        identity = None
        if self.certificate is not None:
            key = self.certificate if self.key is None else self.key
            identity = (_pem("certificate", self.certificate), _pem("key", key))
        elif self.key is not None:
            raise ValueError("tls: key: there is no certificate that it belongs to")
        given: dict[str, str | int | None] = {
            "alpn": ",".join(alpn),
            "server_name": self.server_name,
            "min_version": _one_of("min_version", self.min_version, _VERSIONS),
            "handshake_timeout_ms": milliseconds("tls: handshake_timeout", self.handshake_timeout),
            "resumption": self.resumption,
            "key_log": None if self.key_log is None else os.fspath(self.key_log),
            "insecure_any_certificate": 1 if self.insecure_any_certificate else None,
        }
        settings = [(name, value) for name, value in given.items() if value is not None]
        return {"roots": roots, "revocation_lists": lists, "identity": identity, "settings": settings}


def given_by(certificate: Pem | None, key: Pem | None, tls: Tls | None) -> Tls | None:
    """TLS from what a server was given: settings, or a certificate and its key alone."""
    if tls is not None and not isinstance(tls, Tls):
        raise TypeError(f"tls: {tls!r} is no flare.Tls")
    if certificate is None:
        if key is not None:
            raise ValueError("key: there is no certificate that it belongs to")
        return tls
    if tls is not None:
        raise ValueError("either certificate and key, or tls")
    return Tls(certificate, key)


def _pem(name: str, source: Pem) -> str | bytes:
    given = source if isinstance(source, bytes) else os.fspath(source)
    if not given:
        raise ValueError(f"tls: {name} is empty")
    return given


def _pems(name: str, given: Pem | Sequence[Pem]) -> list[str | bytes]:
    return [_pem(name, each) for each in ([given] if isinstance(given, str | bytes | os.PathLike) else given)]


def _paths(given: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    return [os.fspath(path) for path in ([given] if isinstance(given, str | os.PathLike) else given)]


def _names(name: str, given: Sequence[str]) -> list[str]:
    if isinstance(given, str):
        raise TypeError(f"tls: {name} is a list of names, not one text")
    for each in given:
        if "," in each:
            raise ValueError(f"tls: {name}: {each!r} has a comma")
    return list(given)


def _one_of(name: str, given: str | None, values: dict[str, int]) -> int | None:
    if given is not None and given not in values:
        raise ValueError(f"tls: {name} is one of {', '.join(map(repr, values))}, not {given!r}")
    return None if given is None else values[given]
