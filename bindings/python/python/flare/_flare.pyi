"""The part of flare that is written in Rust."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from os import PathLike
from typing import Any, TypedDict, final

from typing_extensions import Self

from ._datagrams import Datagrams
from ._query import QueryParams

VERSION: str

_Value = str | bytes
_Fields = Mapping[str, _Value] | Mapping[str, str] | Mapping[str, bytes] | Iterable[tuple[str, _Value]]
_Piece = str | bytes | bytearray | memoryview
_Message = str | bytes | bytearray | memoryview
_Content = _Piece | Iterator[_Piece] | Iterator[str] | Iterator[bytes] | AsyncIterator[_Piece] | AsyncIterator[str] | AsyncIterator[bytes]

class _GivenTls(TypedDict):
    identities: list[tuple[str | bytes, str | bytes]]
    resolver: Callable[[str | None], Identity | None] | None
    settings: list[tuple[str, str | int]]

class _GivenClientTls(TypedDict):
    roots: list[str | bytes]
    revocation_lists: list[str | bytes]
    identity: tuple[str | bytes, str | bytes] | None
    settings: list[tuple[str, str | int]]

class Disconnected(ConnectionError):
    """The exchange is over: the client is gone, a deadline passed, or the server ended. Its text says which."""

class Headers(Mapping[str, str]):
    """Header fields, or trailers: a mapping whose names have no case, to the first value of each name.

    Values are text of one byte for each character (ISO 8859-1), as everywhere in Python.
    """

    def __new__(cls, fields: _Fields | None = None, /) -> Self: ...
    def __getitem__(self, name: str, /) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def getall(self, name: str) -> list[str]:
        """All values of a name, in order; none when it is not there."""

    def pairs(self) -> list[tuple[str, str]]:
        """All names, in lower case, and values, in order."""

@final
class MutableHeaders(Headers, MutableMapping[str, str]):
    """The header fields of an answer, or its trailers, which can be changed."""

    def __setitem__(self, name: str, value: _Value, /) -> None:
        """Puts a field in the place of all others of its name."""

    def __delitem__(self, name: str, /) -> None: ...
    def add(self, name: str, value: _Value) -> None:
        """Adds a field behind the others, also of the same name. ValueError when it can't be sent."""

@final
class Request:
    """A request. It stays valid as long as it is held, also after its answer or in another thread."""

    @property
    def method(self) -> str:
        """The method as it was sent: methods have a case."""

    @property
    def path(self) -> str:
        """The path as it was sent, still percent-encoded. `params` are decoded."""

    @property
    def query(self) -> str:
        """The query as it was sent, without its question mark; empty when there is none."""

    @property
    def query_params(self) -> QueryParams:
        """The decoded names and values of the query."""

    @property
    def params(self) -> dict[str, str]:
        """What the route took from the path, decoded. Bytes that are no UTF-8 come as surrogates."""

    @property
    def headers(self) -> Headers:
        """The header fields."""

    @property
    def trailers(self) -> Headers:
        """The fields behind the content; none before its end."""

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the client."""

    @property
    def body(self) -> bytes:
        """The content. On a route with `stream=True` iterate over the request instead."""

    def text(self) -> str:
        """The content as UTF-8. UnicodeDecodeError (a ValueError) when it is none."""

    def json(self) -> Any:
        """The value that the content is, in JSON. ValueError when it is none."""

    @property
    def authority(self) -> str:
        """Host and port that the client asked for; may be empty."""

    @property
    def version(self) -> str:
        """The version of HTTP: "1.0", "1.1", "2"."""

    @property
    def scheme(self) -> str:
        """"https" if the connection is encrypted, else "http". What proxies say is not looked at."""

    @property
    def tls(self) -> TlsSession | None:
        """What was agreed in the TLS handshake; None on a connection without TLS."""

    @property
    def is_early(self) -> bool:
        """Whether the request came before the end of the handshake (0-RTT): somebody may have recorded it and sent it again (RFC 8470)."""

    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port of who is connected; None on a Unix socket."""

    @property
    def client_ip(self) -> str | None:
        """The address of the client: what the middleware `Forwarded` found out, or that of the connection."""

    @property
    def id(self) -> str | None:
        """What the middleware `RequestId` gave it."""

    @property
    def identity(self) -> str | None:
        """The name that the middleware `BearerAuth` knows the client by."""

    @property
    def state(self) -> dict[str, Any]:
        """Whatever middleware and handlers want to keep with the request."""

    def is_disconnected(self) -> bool:
        """Whether nobody waits for an answer any more: the client is gone, a deadline passed, or the server ended."""

    def inform(self, status: int, headers: _Fields) -> None:
        """Sends an interim answer, 102 to 199, before the answer itself (RFC 9110, 15.2)."""

    def defer(self) -> Exchange:
        """Keeps the right to answer: the handler returns None, and somebody answers later, from any thread."""

    @property
    def offered_protocol(self) -> str | None:
        """What the client offers to go on with: a protocol, or several behind commas (RFC 9110, 7.8; RFC 8441). None: nothing."""

    def datagrams(self, protocol: str) -> Datagrams:
        """The datagrams (RFC 9297) of a protocol that the client offers, for `async with` in an `async def` handler."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The content as it comes."""

    def __iter__(self) -> Iterator[bytes]:
        """The content as it comes, for threads that may block."""
    # Between flare's own parts.
    @property
    def _streaming(self) -> bool: ...
    def _read(self) -> bytes | None: ...
    def _switch_to_datagrams(self, protocol: str) -> None: ...
    def _read_datagram(self) -> bytes | None: ...
    def _send_datagram(self, datagram: _Piece) -> bool: ...
    def _max_datagram_size(self) -> int: ...
    def _when_readable(self, waiting: Callable[[], object]) -> None: ...
    def _when_writable(self, waiting: Callable[[], object]) -> None: ...
    def _when_over(self, waiting: Callable[[], object] | None) -> None: ...
    def _answer(self, value: object) -> tuple[Any, bool] | None: ...
    def _fail(self, error: BaseException) -> None: ...
    def _abandon(self) -> None: ...
    def _name_type(self, first: _Piece) -> None: ...
    def _write(self, piece: _Piece) -> bool: ...
    def _finish(self) -> None: ...

@final
class Exchange:
    """The right to answer a request later, from any thread.

    When it is let go without an answer, the client gets 500; in the middle of a streamed answer, a cut connection.
    """

    @property
    def request(self) -> Request:
        """The request."""

    @property
    def route(self) -> str | None:
        """The route of an exchange that was pulled from a queue, such as "POST /upper"."""

    def respond(self, value: object) -> None:
        """Answers with what a handler may return. That the client is gone is no error. Waits while an iterator is sent."""

    def fail(self, error: BaseException) -> None:
        """Answers 500, and logs the error."""

    def inform(self, status: int, headers: _Fields) -> None:
        """Sends an interim answer, 102 to 199."""

    def start(self, response: Response) -> None:
        """Sends the head of an answer whose content is written piece by piece."""

    def try_write(self, piece: _Piece) -> bool:
        """Sends a piece of content, whole or not at all. False: the client has to take some first."""

    def write(self, piece: _Piece) -> None:
        """Sends a piece of content, and waits while the client has to take some first. Not in the thread of the server's loop."""

    def finish(self, trailers: _Fields | None = None) -> None:
        """Ends an answer that was started."""

    def reset(self) -> None:
        """Gives the exchange up: the connection is cut."""

    def is_disconnected(self) -> bool:
        """Whether nobody waits for an answer any more."""

@final
class Queue:
    """A queue from a server to threads of the program that pull.

    Given to a route instead of a handler: `app.queue("/upper", queue, ["POST"])`. Each exchange goes to one thread, which answers it:

        for exchange in queue:
            exchange.respond(exchange.request.text().upper())

    The loop ends when the queue is closed and empty. It holds at most the exchanges in flight, which have a limit (`max_exchanges`).
    """

    def __new__(cls) -> Self: ...
    def get(self, timeout: float | None = None) -> Exchange | None:
        """The next exchange; waits for it. None: the queue is closed and empty. TimeoutError when nothing came in time."""

    def close(self) -> None:
        """No more exchanges are taken; they are answered with 500. What is in it can still be pulled."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Exchange]: ...
    def __next__(self) -> Exchange: ...

@final
class Response:
    """An answer."""

    def __new__(
        cls,
        body: _Content | None = None,
        status: int = 200,
        headers: _Fields | None = None,
        *,
        content_type: str | None = None,
    ) -> Self:
        """body: str, bytes, or an iterator of these, which is asked for more as the client takes it."""

    @classmethod
    def text(cls, text: str, status: int = 200, headers: _Fields | None = None) -> Response:
        """Plain text."""

    @classmethod
    def html(cls, text: str, status: int = 200, headers: _Fields | None = None) -> Response:
        """HTML."""

    @classmethod
    def json(cls, value: object, status: int = 200, headers: _Fields | None = None) -> Response:
        """A value in JSON. TypeError or ValueError when it has none."""

    @classmethod
    def redirect(cls, location: str, status: int = 302, headers: _Fields | None = None) -> Response:
        """To another place: 301, 302, 303, 307 or 308."""

    @classmethod
    def file(
        cls,
        path: str | PathLike[str],
        status: int = 200,
        headers: _Fields | None = None,
        *,
        content_type: str | None = None,
    ) -> Response:
        """A file, sent by the system without passing through Python. For folders of files see `App.files`."""

    @classmethod
    def relay(
        cls,
        upstream: str,
        prologue: bytes | None = None,
        status: int = 200,
        headers: _Fields | None = None,
        *,
        content_type: str | None = None,
        forward: bool = False,
        connect_timeout: float = 5.0,
        silence_timeout: float = 30.0,
    ) -> Response:
        """What another server sends, byte by byte, without passing through Python. 502 and 504 when it does not.

        upstream: `127.0.0.1:9000`, `name:9000` (looked up here) or `unix:/run/model.sock`.
        prologue: bytes for it, such as a request. forward: the content of the request follows them.
        """

    @classmethod
    def plain(cls, status: int, headers: _Fields | None = None) -> Response:
        """What the server itself says for a status."""

    @property
    def status(self) -> int:
        """The status, 200 to 599."""

    @status.setter
    def status(self, status: int) -> None: ...
    @property
    def headers(self) -> MutableHeaders:
        """The header fields. The server adds Date, Server and what belongs to the connection."""

    @property
    def trailers(self) -> MutableHeaders:
        """The fields behind the content (RFC 9110, 6.5). HTTP/1.0 clients don't get them."""

    @property
    def body(self) -> bytes | None:
        """The content when it is in memory."""

    @body.setter
    def body(self, body: _Content) -> None: ...

@final
class Report:
    """How a server ended."""

    def __new__(cls, requests: int, finished: int, aborted: int) -> Self: ...
    @property
    def requests(self) -> int:
        """Requests over the life of the server."""

    @property
    def finished(self) -> int:
        """Connections that ended by themselves while it drained."""

    @property
    def aborted(self) -> int:
        """Connections that were cut."""

@final
class TlsSession:
    """What was agreed on a connection that is encrypted."""

    @property
    def version(self) -> str:
        """"TLSv1.2" or "TLSv1.3"."""

    @property
    def suite(self) -> str:
        """The cipher suite by its name in the IANA registry, such as "TLS_AES_256_GCM_SHA384"."""

    @property
    def server_name(self) -> str | None:
        """The name that the client asked for (SNI), in lower case; None when it asked for none."""

    @property
    def alpn(self) -> str | None:
        """The application protocol (ALPN), such as "h2"; None when none was agreed."""

    @property
    def peer_certificate(self) -> bytes | None:
        """The certificate that the client showed, as DER, checked; None when it showed none."""

    @property
    def peer_certificates(self) -> list[bytes]:
        """All certificates that the client showed, as DER, its own first."""

    @property
    def resumed(self) -> bool:
        """Whether the client came back with a session of an earlier connection."""

@final
class Router:
    def check(self, method: str, pattern: str) -> None: ...
    def add(
        self,
        method: str,
        pattern: str,
        target: Callable[[Request], Any],
        is_async: bool,
        layers: list[Layer],
        streaming: bool = False,
        blocking: bool = False,
        body_limit: int | None = None,
        timeout: float | None = None,
    ) -> None: ...
    def queue(
        self,
        method: str,
        pattern: str,
        queue: Queue,
        layers: list[Layer],
        streaming: bool = False,
        body_limit: int | None = None,
        timeout: float | None = None,
    ) -> None: ...
    def prepared(self, method: str, pattern: str, answer: Response, layers: list[Layer]) -> None: ...
    def files(self, pattern: str, folder: str, options: str, layers: list[Layer]) -> None: ...
    def ws(
        self,
        pattern: str,
        target: object,
        is_async: bool,
        settings: list[tuple[str, str | int]],
        accept: Callable[[Request], object] | None,
        otherwise: tuple[Callable[[Request], Any], bool] | None,
        layers: list[Layer],
    ) -> None: ...
    def layer(self, layer: Layer) -> None: ...
    def unrouted(self, target: Callable[[Request], Any], is_async: bool) -> None: ...

@final
class Server:
    def __new__(
        cls,
        router: Router,
        addresses: list[str],
        settings: dict[str, int | float | str],
        log_level: int,
        tls: _GivenTls | None,
    ) -> Self: ...
    def set_spawn(self, spawn: Callable[[Request, Awaitable[Any]], object]) -> None: ...
    def fileno(self) -> int: ...
    def poll(self, budget: int = 256) -> bool: ...
    def _turn(self) -> int: ...
    def drain(self, timeout: float) -> None: ...
    def publish(self, topic: str, message: _Message) -> bool: ...
    @property
    def secure(self) -> bool: ...
    def reload_tls(self) -> None: ...
    @property
    def report(self) -> Report | None: ...
    @property
    def addresses(self) -> list[str]: ...
    @property
    def drain_timeout(self) -> float: ...
    def stats(self) -> dict[str, int]: ...

@final
class Socket:
    @property
    def request(self) -> Request: ...
    @property
    def protocol(self) -> str | None: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def has_ended(self) -> bool: ...
    @property
    def ended(self) -> tuple[int, str] | None: ...
    @property
    def is_empty(self) -> bool: ...
    @property
    def close_timeout(self) -> float: ...
    @property
    def missed(self) -> int: ...
    def take(self) -> str | bytes | None: ...
    def take_writable(self) -> bool: ...
    def when_readable(self, waiting: Callable[[], None]) -> bool: ...
    def forget_reader(self) -> None: ...
    def when_writable(self, waiting: Callable[[], None]) -> bool: ...
    def when_over(self, waiting: Callable[[], None]) -> bool: ...
    def listen(self, listener: Callable[[], None] | None) -> None: ...
    def try_send(self, message: _Message) -> bool: ...
    def try_ping(self, data: bytes) -> bool: ...
    def close(self, code: int, reason: str) -> bool: ...
    def subscribe(self, topic: str) -> None: ...
    def unsubscribe(self, topic: str) -> None: ...
    def publish(self, topic: str, message: _Message) -> bool: ...

@final
class Connector:
    def __new__(cls, timeout: float, attempt_delay: float, tls: _GivenClientTls | None) -> Self: ...
    def begin(self, target: str, version: int) -> Connecting: ...

@final
class Connecting:
    def fileno(self) -> int: ...
    def poll(self) -> Link | None: ...
    def wait(self) -> Link: ...
    def cancel(self) -> None: ...

@final
class Link:
    def fileno(self) -> int: ...
    @property
    def is_multiplexed(self) -> bool: ...
    @property
    def is_over(self) -> bool: ...
    @property
    def wants_read(self) -> bool: ...
    @property
    def wants_write(self) -> bool: ...
    @property
    def tls(self) -> tuple[str, str, str | None, bytes | None, bool] | None: ...
    def open(
        self, method: str, scheme: str, authority: str, target: str, fields: _Fields, length: int | None
    ) -> int | None: ...
    def try_write(self, number: int, piece: _Piece) -> bool | None: ...
    def finish(self, number: int) -> bool: ...
    def consumed(self, number: int, bytes: int) -> None: ...
    def cancel(self, number: int) -> None: ...
    def close(self) -> None: ...
    def next_event(self, timeout: float) -> tuple[int, int, Any, Any] | None: ...

@final
class Opener:
    def __new__(cls, fields: _Fields | None, settings: list[tuple[str, str | int]], tls: _GivenClientTls | None) -> Self: ...
    def begin(self, uri: str, again: bool) -> Opening: ...

@final
class Opening:
    def fileno(self) -> int: ...
    def poll(self) -> ClientSocket | None: ...
    def wait(self) -> ClientSocket: ...
    def cancel(self) -> None: ...

@final
class ClientSocket:
    def fileno(self) -> int: ...
    @property
    def protocol(self) -> str | None: ...
    @property
    def uri(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def is_open(self) -> bool: ...
    def next_event(self, timeout: float) -> tuple[int, Any] | None: ...
    def send(self, message: _Message, timeout: float) -> bool | None: ...
    def try_ping(self, data: bytes) -> bool | None: ...
    def close(self, code: int, reason: str) -> bool: ...
    def abort(self) -> None: ...
    def let_go(self) -> None: ...

@final
class Identity:
    """A certificate and its key, read and checked: what a resolver of `Tls` gives.

    certificate, key: as for `Tls`. Files are read now, and not again. ValueError says which file and block is wrong.
    """

    def __new__(cls, certificate: str | PathLike[str] | bytes, key: str | PathLike[str] | bytes | None = None) -> Self: ...

def check_tls(given: _GivenTls) -> None: ...
def self_signed(names: list[str]) -> tuple[bytes, bytes]: ...
def as_response(value: object) -> Response: ...
def refusal(request: Request) -> tuple[int, str | None] | None: ...

class MuxClosed(ConnectionError):
    """The stream or its connection is over. Its text says why."""

@final
class Mux:
    """One end of a connection of many streams. Each has its own backpressure. Any thread may use it."""

    @classmethod
    def connect(cls, address: str) -> Mux:
        """Connects to `unix:/path`, `127.0.0.1:80` or `name:port`."""

    def open(self) -> MuxStream:
        """Opens a stream; does not wait for the peer."""

    def accept(self, timeout: float | None = None) -> MuxStream:
        """Waits for the next stream of the peer. TimeoutError, MuxClosed."""

    def __iter__(self) -> Iterator[MuxStream]: ...
    def __next__(self) -> MuxStream: ...
    def close(self) -> None:
        """Opens and accepts no more streams; the others go on."""

@final
class MuxStream:
    """One stream of bytes, both ways. Letting it go cancels it, unless both ends are done."""

    def send(self, data: bytes, timeout: float | None = None) -> None:
        """Sends bytes, all or none, and waits until the peer has taken enough of those before."""

    def try_send(self, data: bytes) -> bool:
        """Sends bytes without waiting. False: the peer has to take some first."""

    def recv(self, timeout: float | None = None) -> bytes:
        """Waits for bytes, at most 64 KiB. Empty: the peer is done."""

    def __iter__(self) -> Iterator[bytes]: ...
    def __next__(self) -> bytes: ...
    def finish(self) -> None:
        """This end sends no more; reading goes on."""

    def error(self, text: str) -> None:
        """Ends the stream in both directions, with a text for the peer."""

    def cancel(self) -> None:
        """Ends the stream in both directions."""

    def close(self) -> None:
        """Lets go of the stream."""

@final
class MuxListener:
    """Listens for connections of many streams."""

    def __new__(cls, address: str) -> Self: ...
    @property
    def address(self) -> str:
        """Where it listens, with the port that was found for port 0."""

    def accept(self, timeout: float | None = None) -> Mux:
        """Waits for the next connection."""

    def close(self) -> None:
        """Listens no more."""

class Layer:
    """Middleware of the core."""

@final
class RequestId(Layer):
    """Gives each request an id, which `request.id` and the field `x-request-id` of its answer tell."""

    def __new__(cls, *, trust_incoming: bool = False) -> Self:
        """trust_incoming: an id that came with the request stays. For servers that only a proxy can reach."""

@final
class AccessLog(Layer):
    """Writes one line for each exchange that ended: answered, refused or cut."""

    def __new__(cls, path: str | PathLike[str] | None = None, *, format: str = "common") -> Self:
        """path: a file that lines are added to; None for the standard output. format: "common", "combined" or "json"."""

@final
class BearerAuth(Layer):
    """Only lets requests with a known token pass (RFC 6750). `request.identity` is the name of its owner."""

    def __new__(cls, realm: str, tokens: dict[str, str]) -> Self:
        """realm: what is protected. tokens: the name of the owner of each."""

@final
class RateLimit(Layer):
    """Limits the requests of each client, by its address; more are answered with 429."""

    def __new__(cls, capacity: int, per_second: float, *, fields: bool = False, ipv6_prefix: int = 64, max_clients: int = 65536) -> Self:
        """capacity: requests at once. per_second: over time. fields: answers say how the client stands."""

@final
class Forwarded(Layer):
    """Finds out the client behind trusted proxies, for `request.client_ip`, logs and limits. It belongs first."""

    def __new__(cls, trusted: list[str], *, field: str = "standard", trust_unix_sockets: bool = False) -> Self:
        """trusted: networks, such as "10.0.0.0/8". field: what they add: "standard" (RFC 7239), "x-forwarded" or "both"."""
