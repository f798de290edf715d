"""What a route decides for itself."""

from .api import Handle
from .errors import check, check_handle
from .library import ApiPointer, api
from .middleware import Middleware, add_to_options
from .stock import StockMiddleware
from .text import terminated


struct RouteOptions(Movable):
    """What a route decides for itself. Routes keep a copy: one value is good for several."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(
        out self,
        *,
        streaming: Bool = False,
        blocking: Bool = False,
        body_limit: Optional[Int] = None,
        handler_timeout_ms: Optional[Int] = None,
    ) raises:
        """Makes options.

        Args:
            streaming: Whether the handler is called at the head of the request, and takes the content with `Exchange.read` or
                `Exchange.drive`.
            blocking: Whether the handler is called on a pool of threads, where it may block; 503 with Retry-After when that is full.
            body_limit: The most bytes of content; more is refused with 413. Without it the server decides.
            handler_timeout_ms: From the call of the handler to its answer, 1 to 86400000; then 503. Without it the server decides.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for a number out of range.
        """
        self._api = api()
        self._handle = check_handle(self._api, self._api[].route_options_new())
        if streaming:
            self.set("streaming", 1)
        if blocking:
            self.set("blocking", 1)
        if body_limit:
            self.set("body_limit", body_limit.value())
        if handler_timeout_ms:
            self.set("handler_timeout_ms", handler_timeout_ms.value())

    def __deinit__(deinit self):
        _ = self._api[].route_options_free(self._handle)

    def set(mut self, var name: String, value: Int) raises:
        """Sets an option by its name in docs/c-api/route_options.md."""
        var status = self._api[].route_options_set_number(self._handle, terminated(name, "the name"), Int64(value))
        _ = name^
        check(self._api, status)

    def layer[M: Middleware](mut self, var middleware: M) raises:
        """Adds middleware around the routes that are added with these options, inside that of their router. The first is outermost."""
        check(self._api, add_to_options(self._api, self._handle, middleware^))

    def use(mut self, middleware: StockMiddleware) raises:
        """The same with middleware that comes with flare, such as `rate_limit`."""
        check(self._api, self._api[].route_options_add_middleware(self._handle, middleware._handle))
