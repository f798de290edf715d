"""Handlers by method and path."""

from .api import Handle
from .boxed import boxed, unbox
from .errors import check, check_handle
from .handler import (
    ExchangeFunction,
    ExchangeFunctionHandler,
    ExchangeHandler,
    Function,
    FunctionHandler,
    Handler,
    call,
    call_exchange,
)
from .library import ApiPointer, api
from .text import terminated


struct Router(Movable):
    """Handlers by method and path.

    Patterns are made of segments: text, `:name` (one segment, not empty) and, last, `*name` (the rest of the path). Text beats `:name`
    beats `*name`. HEAD is answered by GET; OPTIONS and 405 by the server, with Allow.
    """

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self) raises:
        """Makes a router without routes: everything is 404.

        Raises:
            When the library is missing, or there is no memory.
        """
        self._api = api()
        self._handle = check_handle(self._api, self._api[].router_new())

    def __deinit__(deinit self):
        _ = self._api[].router_free(self._handle)

    def add[H: Handler](mut self, var method: String, var pattern: String, var handler: H) raises:
        """Adds a handler with state for a method (or "*" for each) and a pattern. The router owns it, and then the server.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for a bad method or pattern, FLARE_ERROR_CONFLICT when another route matches the same. The
            handler is destroyed then.
        """
        var kept = terminated(method, "the method")
        var path = terminated(pattern, "the pattern")
        var user = boxed(self._api, handler^)
        var status = self._api[].router_add(self._handle, kept, path, call[H], user, unbox[H])
        _ = method^
        _ = pattern^
        check(self._api, status)

    def add(mut self, var method: String, var pattern: String, handler: Function) raises:
        """Adds a plain function."""
        self.add(method^, pattern^, FunctionHandler(handler))

    def get(mut self, var pattern: String, handler: Function) raises:
        """Adds a plain function for GET."""
        self.add("GET", pattern^, FunctionHandler(handler))

    def get[H: Handler](mut self, var pattern: String, var handler: H) raises:
        """Adds a handler with state for GET."""
        self.add("GET", pattern^, handler^)
