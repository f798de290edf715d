"""The middleware that comes with flare. It runs inside the library: no code in Mojo is called for a request, but for what is given here."""

from .api import Address, Handle, Room, Text
from .boxed import behind, boxed, unbox
from .errors import check, check_handle, static_text
from .library import ApiPointer, api
from .request import Request
from .text import terminated


trait Lines(Movable, Deinitable):
    """Takes the lines of an access log. It is called on workers, several at once: what changes in it must be atomic, and it must not block
    for long."""

    def write(mut self, line: StringSpan):
        """Takes a line, without its end. What clients send is escaped: all of it is printable ASCII."""
        ...


trait Tokens(Movable, Deinitable):
    """Knows whose bearer tokens these are. It is called on workers, several at once, and must not block."""

    def owner(mut self, token: StringSpan, request: Request) raises -> Optional[String]:
        """The name of the owner; None refuses the token, and so does what it raises. Secrets are to be compared in a time that does not tell
        them."""
        ...


struct StockMiddleware(Movable):
    """Settings of a middleware that comes with flare: made by the functions below, added by `Router.use` or `RouteOptions.use`. What is added
    has a copy of them."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, var name: String) raises:
        """Makes settings for a middleware by its name in docs/c-api/middleware.md.

        Raises:
            When there is none of this name.
        """
        self._api = api()
        self._handle = check_handle(self._api, self._api[].middleware_new(terminated(name, "the name")))
        _ = name^

    def __deinit__(deinit self):
        _ = self._api[].middleware_free(self._handle)

    def set(mut self, var name: String, value: Int) raises:
        """Sets a number, or a switch (0 or 1).

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for a name that this middleware does not have, or a value out of its range.
        """
        var status = self._api[].middleware_set_number(self._handle, terminated(name, "the name"), Int64(value))
        _ = name^
        check(self._api, status)

    def set(mut self, var name: String, var value: String) raises:
        """Sets a text."""
        var status = self._api[].middleware_set_text(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def add_token(mut self, var token: String, var owner: String) raises:
        """Adds a token of `bearer_auth`, and the name of its owner.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for another middleware, or what is no token (RFC 6750, 2.1).
        """
        var status = self._api[].middleware_add_token(
            self._handle, terminated(token, "the token"), terminated(owner, "the owner")
        )
        _ = token^
        _ = owner^
        check(self._api, status)


def request_id(*, trust_incoming: Bool = False) raises -> StockMiddleware:
    """Gives each request an id: `Request.id`, and the field X-Request-Id of the answer.

    Args:
        trust_incoming: Whether an id that came with the request stays. For servers that only a proxy can reach.
    """
    var made = StockMiddleware("request_id")
    made.set("trust_incoming", Int(trust_incoming))
    return made^


def access_log[L: Lines](var lines: L, *, var format: String = "common") raises -> StockMiddleware:
    """Makes a line for each exchange that ended.

    Args:
        lines: Takes them.
        format: "common", "combined" or "json".
    """
    var made = StockMiddleware("access_log")
    made.set("format", format^)
    var user = boxed(made._api, lines^)
    check(made._api, made._api[].middleware_on_line(made._handle, _line[L], user, unbox[L]))
    return made^


def access_log(*, var format: String = "common") raises -> StockMiddleware:
    """The same, to standard output."""
    return access_log(Printed(), format=format^)


def bearer_auth(var realm: String, tokens: Dict[String, String]) raises -> StockMiddleware:
    """Lets only requests with a valid bearer token pass (RFC 6750). `Request.identity` is the name of its owner.

    Args:
        realm: What is protected.
        tokens: The name of the owner of each token.
    """
    var made = StockMiddleware("bearer_auth")
    made.set("realm", realm^)
    for entry in tokens.items():
        made.add_token(entry.key.copy(), entry.value.copy())
    return made^


def bearer_auth[T: Tokens](var realm: String, var tokens: T) raises -> StockMiddleware:
    """The same, with code that knows the tokens."""
    var made = StockMiddleware("bearer_auth")
    made.set("realm", realm^)
    var user = boxed(made._api, tokens^)
    check(made._api, made._api[].middleware_on_token(made._handle, _token[T], user, unbox[T]))
    return made^


def rate_limit(
    capacity: Int,
    *,
    per_minute: Int,
    fields: Bool = False,
    by_identity: Bool = False,
    ipv6_prefix: Int = 64,
    max_clients: Int = 65536,
) raises -> StockMiddleware:
    """Limits the requests of each client, by its address; 429 for more.

    Args:
        capacity: Requests that a client may send at once.
        per_minute: Requests over time.
        fields: Whether answers say how the client stands.
        by_identity: Whether clients are told apart by the name that `bearer_auth` found; those without one are not limited.
        ipv6_prefix: IPv6 clients with so many first bits in common count as one.
        max_clients: How many are kept in mind.
    """
    var made = StockMiddleware("rate_limit")
    made.set("capacity", capacity)
    made.set("per_minute", per_minute)
    made.set("fields", Int(fields))
    made.set("by_identity", Int(by_identity))
    made.set("ipv6_prefix", ipv6_prefix)
    made.set("max_clients", max_clients)
    return made^


def forwarded(
    trusted: List[String], *, var field: String = "standard", trust_unix_sockets: Bool = False
) raises -> StockMiddleware:
    """Finds out the client behind trusted proxies: `Request.client`, for logs and limits. It belongs first.

    Args:
        trusted: Networks or addresses of the proxies, such as "10.0.0.0/8".
        field: What they add: "standard" (Forwarded, RFC 7239), "x_forwarded" or "both".
        trust_unix_sockets: Whether peers on Unix sockets are trusted.
    """
    var made = StockMiddleware("forwarded")
    made.set("field", field^)
    made.set("trust_unix_sockets", Int(trust_unix_sockets))
    for network in trusted:
        made.set("trusted", network.copy())
    return made^


@fieldwise_init
struct Printed(Lines):
    """Lines for standard output."""

    def write(mut self, line: StringSpan):
        print(line)


def _line[L: Lines](line: Text, length: UInt, user: Address) abi("C"):
    """What the library calls for `Lines`."""
    behind[L](user).value.write(static_text(line))


def _token[T: Tokens](token: Text, request: Handle, name: Room, capacity: UInt, user: Address) abi("C") -> Int32:
    """What the library calls for `Tokens`."""
    ref box = behind[T](user)
    try:
        var owner = box.value.owner(static_text(token), Request(borrowed=request, api=box.api))
        if not owner:
            return -1
        var bytes = owner.value().as_bytes()
        # The library has made its room of NULs, and the last one stays.
        if UInt(len(bytes)) >= capacity:
            return -1
        for i in range(len(bytes)):
            name.value()[unsafe_offset=i] = bytes[i]
        return 0
    except:
        return -1
