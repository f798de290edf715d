"""What happens around handlers."""

from .api import DONE, Address, Handle
from .boxed import behind, boxed, unbox
from .errors import check
from .exchange import Exchange
from .failure import fail, tell
from .library import ApiPointer
from .request import Request
from .text import terminated


@fieldwise_init
struct Step(Equatable, ImplicitlyCopyable):
    """What becomes of an exchange that a middleware saw."""

    var _code: Int32

    comptime NEXT = Step(0)
    """The next middleware sees it, or the handler."""

    comptime DONE = Step(Int32(DONE))
    """It was answered, or kept to be answered later or to go on with `Exchange.proceed`."""


struct Head(Movable):
    """The head of an answer before it leaves."""

    var status: Int
    """Its status; to be read."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, api: ApiPointer, handle: Handle, status: Int):
        self._api = api
        self._handle = handle
        self.status = status

    def add(mut self, var name: String, var value: String) raises:
        """Adds a header field."""
        var status = self._api[].response_add_header(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def set(mut self, var name: String, var value: String) raises:
        """Sets a header field: others of its name are removed."""
        var status = self._api[].response_set_header(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)


@fieldwise_init
struct Record(ImplicitlyCopyable):
    """How an exchange ended."""

    var status: Int
    """Of the answer; 0 when there was none."""

    var body_bytes: Int
    """Content that was sent."""

    var duration_ms: Int
    """From the head of the request to now."""

    var whole: Bool
    """Whether the answer was sent whole."""


trait Middleware(Movable, Deinitable):
    """Code around handlers, which the server owns and destroys once.

    Called on the worker, which it must not block, and by several workers at the same time: what changes in it must be atomic. An
    implementation has the methods it needs.
    """

    def on_request(mut self, mut exchange: Exchange) raises -> Step:
        """Sees a request before its content is asked for. What it raises is answered with 500, and told to the log."""
        return Step.NEXT

    def on_head(mut self, request: Request, mut head: Head) raises:
        """Sees the head of each answer before it leaves, the server's own (404) too. What it raises is told to the log."""
        pass

    def on_end(mut self, request: Request, record: Record) raises:
        """Hears that an exchange has ended. What it raises is told to the log."""
        pass


def _on_request[M: Middleware](request: Handle, response: Handle, user: Address) abi("C") -> Int32:
    ref box = behind[M](user)
    var exchange = Exchange(borrowed=response, request=Request(borrowed=request, api=box.api), api=box.api)
    try:
        return box.value.on_request(exchange)._code
    except error:
        _ = fail(box.api, response, error)
        return Int32(DONE)


def _on_head[M: Middleware](request: Handle, response: Handle, status: Int32, user: Address) abi("C"):
    ref box = behind[M](user)
    var head = Head(box.api, response, Int(status))
    try:
        box.value.on_head(Request(borrowed=request, api=box.api), head)
    except error:
        tell(box.api, request, error)


def _on_end[M: Middleware](
    request: Handle, status: Int32, body_bytes: UInt64, duration_ms: UInt64, whole: Int32, user: Address
) abi("C"):
    ref box = behind[M](user)
    var record = Record(Int(status), Int(body_bytes), Int(duration_ms), whole != 0)
    try:
        box.value.on_end(Request(borrowed=request, api=box.api), record)
    except error:
        tell(box.api, request, error)


def add_to_router[M: Middleware](api: ApiPointer, router: Handle, var middleware: M) -> Int32:
    """Gives a middleware to a router."""
    var user = boxed(api, middleware^)
    return api[].router_add_layer(router, _on_request[M], _on_head[M], _on_end[M], user, unbox[M])


def add_to_options[M: Middleware](api: ApiPointer, options: Handle, var middleware: M) -> Int32:
    """Gives a middleware to the options of routes."""
    var user = boxed(api, middleware^)
    return api[].route_options_add_layer(options, _on_request[M], _on_head[M], _on_end[M], user, unbox[M])
