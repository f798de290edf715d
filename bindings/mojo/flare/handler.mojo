"""Code that answers requests, and the way the library calls it."""

from .api import Address, Handle
from .boxed import behind
from .exchange import Exchange
from .failure import fail, sent
from .request import Request
from .response import Response

comptime Function = def(Request) raises thin -> Response
"""A plain function as a handler: it looks at the request, and returns the answer."""

comptime ExchangeFunction = def(mut Exchange) raises thin -> None
"""A plain function as a handler that answers the exchange itself, or keeps it to answer later."""


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


@fieldwise_init
struct FunctionHandler(Handler):
    var function: Function

    def serve(mut self, request: Request) raises -> Response:
        return self.function(request)


@fieldwise_init
struct ExchangeFunctionHandler(ExchangeHandler):
    var function: ExchangeFunction

    def serve(mut self, mut exchange: Exchange) raises:
        self.function(exchange)


def call[H: Handler](request: Handle, response: Handle, user: Address) abi("C") -> Int32:
    """What the library calls for a `Handler`."""
    ref box = behind[H](user)
    var borrowed = Request(borrowed=request, api=box.api)
    try:
        var answer = box.value.serve(borrowed)
        return sent(box.api, response, answer._send(box.api, response))
    except error:
        return fail(box.api, response, error)


def call_exchange[H: ExchangeHandler](request: Handle, response: Handle, user: Address) abi("C") -> Int32:
    """What the library calls for an `ExchangeHandler`."""
    ref box = behind[H](user)
    var exchange = Exchange(borrowed=response, request=Request(borrowed=request, api=box.api), api=box.api)
    try:
        box.value.serve(exchange)
        return 0
    except error:
        return fail(box.api, response, error)
