"""Code that answers requests, and the way the library calls it."""

from .api import Address, DestroyCallback, Handle, HandlerCallback
from .boxed import behind, boxed, unbox
from .exchange import Exchange
from .failure import fail, sent
from .library import api
from .request import Request
from .response import Response

trait Handler(Movable, Deinitable):
    """A handler with state, which the server owns and destroys once, when it needs it no more.

    It is called on a worker, which it must not block, and by several workers at the same time: what changes in it must be atomic, or the
    server have one worker. What it raises is answered with 500: the message goes to the log, and not to the client.
    """

    def serve(mut self, request: Request) raises -> Response:
        """Answers a request, which is borrowed for the call. An implementation may also take `self` as it is, without `mut`."""
        ...


trait ExchangeHandler(Movable, Deinitable):
    """The same, for a handler that answers the exchange itself or keeps it to answer later."""

    def serve(mut self, mut exchange: Exchange) raises:
        """Answers an exchange, or keeps it with `Exchange.keep`. One that is neither answered nor kept is answered with 500."""
        ...


struct AnyHandler(Movable):
    """Whatever answers requests, on its way to the library. It is made by itself of the following.

    - a function `def(Request) -> Response`, which may raise;
    - a function `def(mut Exchange)`, which may raise, and answers the exchange itself or keeps it to answer later;
    - a struct that is a `Handler` or an `ExchangeHandler`.
    """

    var _user: Address
    var _call: HandlerCallback
    var _destroy: DestroyCallback

    @implicit
    def __init__(out self, function: def(Request) thin -> Response) raises:
        self = Self(_SureFunction(function))

    @implicit
    def __init__(out self, function: def(Request) raises thin -> Response) raises:
        self = Self(_Function(function))

    @implicit
    def __init__(out self, function: def(mut Exchange) thin -> None) raises:
        self = Self(_SureExchangeFunction(function))

    @implicit
    def __init__(out self, function: def(mut Exchange) raises thin -> None) raises:
        self = Self(_ExchangeFunction(function))

    @implicit
    def __init__[H: Handler](out self, var handler: H) raises:
        self._user = boxed(api(), handler^)
        self._call = _call[H]
        self._destroy = unbox[H]

    @implicit
    def __init__[H: ExchangeHandler](out self, var handler: H) raises:
        self._user = boxed(api(), handler^)
        self._call = _call_exchange[H]
        self._destroy = unbox[H]

    def __deinit__(deinit self):
        if self._user:
            self._destroy(self._user)

    def release(mut self) -> Address:
        """What the library owns from now on."""
        var user = self._user
        self._user = None
        return user


@fieldwise_init
struct _Function(Handler):
    var function: def(Request) raises thin -> Response

    def serve(mut self, request: Request) raises -> Response:
        return self.function(request)


@fieldwise_init
struct _SureFunction(Handler):
    # One that does not raise: Mojo converts the function itself, but no value that holds it.
    var function: def(Request) thin -> Response

    def serve(mut self, request: Request) raises -> Response:
        return self.function(request)


@fieldwise_init
struct _SureExchangeFunction(ExchangeHandler):
    var function: def(mut Exchange) thin -> None

    def serve(mut self, mut exchange: Exchange) raises:
        self.function(exchange)


@fieldwise_init
struct _ExchangeFunction(ExchangeHandler):
    var function: def(mut Exchange) raises thin -> None

    def serve(mut self, mut exchange: Exchange) raises:
        self.function(exchange)


def _call[H: Handler](request: Handle, response: Handle, user: Address) abi("C") -> Int32:
    """What the library calls for a `Handler`."""
    ref box = behind[H](user)
    var borrowed = Request(borrowed=request, api=box.api)
    try:
        var answer = box.value.serve(borrowed)
        return sent(box.api, response, answer._send(box.api, response))
    except error:
        return fail(box.api, response, error)


def _call_exchange[H: ExchangeHandler](request: Handle, response: Handle, user: Address) abi("C") -> Int32:
    """What the library calls for an `ExchangeHandler`."""
    ref box = behind[H](user)
    var exchange = Exchange(borrowed=response, request=Request(borrowed=request, api=box.api), api=box.api)
    try:
        box.value.serve(exchange)
        return 0
    except error:
        return fail(box.api, response, error)
