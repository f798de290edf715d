"""Handlers by method and path."""

from .api import Handle
from .errors import check, check_handle
from .handler import AnyHandler
from .library import ApiPointer, api
from .middleware import Middleware, add_to_router
from .queue import Queue
from .route_options import RouteOptions
from .stock import StockMiddleware
from .text import bytes_of, terminated
from .websocket import AnySockets
from .websocket_options import WebSocketOptions


struct Router(Movable):
    """Handlers and middleware by method and path.

    Patterns are made of segments: text, `:name` (one segment, not empty) and, last, `*name` (the rest of the path). Text beats `:name`
    beats `*name`. HEAD is answered by GET; OPTIONS and 405 by the server, with Allow.

    A handler belongs to the router from the call that adds it, and then to the servers that are made of it, also when that call raises.
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

    def add(mut self, var method: String, var pattern: String, var handler: AnyHandler) raises:
        """Adds a handler for a method, such as "GET" or "*" for every one, and a pattern.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for a bad method or pattern, FLARE_ERROR_CONFLICT when another route matches the same.
        """
        self._add(method^, pattern^, handler^, 0)

    def add(mut self, var method: String, var pattern: String, var handler: AnyHandler, options: RouteOptions) raises:
        """The same, with options of the route's own."""
        self._add(method^, pattern^, handler^, options._handle)

    def get(mut self, var pattern: String, var handler: AnyHandler) raises:
        """Adds a handler for GET, and with it for HEAD."""
        self._add("GET", pattern^, handler^, 0)

    def get(mut self, var pattern: String, var handler: AnyHandler, options: RouteOptions) raises:
        """The same, with options of the route's own."""
        self._add("GET", pattern^, handler^, options._handle)

    def post(mut self, var pattern: String, var handler: AnyHandler) raises:
        """Adds a handler for POST."""
        self._add("POST", pattern^, handler^, 0)

    def post(mut self, var pattern: String, var handler: AnyHandler, options: RouteOptions) raises:
        """The same, with options of the route's own."""
        self._add("POST", pattern^, handler^, options._handle)

    def put(mut self, var pattern: String, var handler: AnyHandler) raises:
        """Adds a handler for PUT."""
        self._add("PUT", pattern^, handler^, 0)

    def put(mut self, var pattern: String, var handler: AnyHandler, options: RouteOptions) raises:
        """The same, with options of the route's own."""
        self._add("PUT", pattern^, handler^, options._handle)

    def patch(mut self, var pattern: String, var handler: AnyHandler) raises:
        """Adds a handler for PATCH."""
        self._add("PATCH", pattern^, handler^, 0)

    def patch(mut self, var pattern: String, var handler: AnyHandler, options: RouteOptions) raises:
        """The same, with options of the route's own."""
        self._add("PATCH", pattern^, handler^, options._handle)

    def delete(mut self, var pattern: String, var handler: AnyHandler) raises:
        """Adds a handler for DELETE."""
        self._add("DELETE", pattern^, handler^, 0)

    def delete(mut self, var pattern: String, var handler: AnyHandler, options: RouteOptions) raises:
        """The same, with options of the route's own."""
        self._add("DELETE", pattern^, handler^, options._handle)

    def _add(mut self, var method: String, var pattern: String, var handler: AnyHandler, options: Handle) raises:
        var verb = terminated(method, "the method")
        var path = terminated(pattern, "the pattern")
        var status = self._api[].router_add_with(
            self._handle, verb, path, options, handler._call, handler.release(), handler._destroy
        )
        _ = method^
        _ = pattern^
        check(self._api, status)

    def add_prepared(
        mut self, var method: String, var pattern: String, var content_type: String, body: Span[UInt8, _], *, status: Int = 200
    ) raises:
        """Adds a route whose answer never changes. It is encoded once, which costs less than a handler; middleware may still change its
        head.

        Raises:
            As `add`, and FLARE_ERROR_INVALID_ARGUMENT for a status that is not within 200 to 599, or is 204, 205 or 304.
        """
        var verb = terminated(method, "the method")
        var path = terminated(pattern, "the pattern")
        var type = terminated(content_type, "the content type")
        var result = self._api[].router_add_prepared(
            self._handle, verb, path, Int32(status), type, bytes_of(body), UInt(len(body))
        )
        _ = method^
        _ = pattern^
        _ = content_type^
        check(self._api, result)

    def ws(mut self, var pattern: String, var sockets: AnySockets) raises:
        """Adds WebSockets at a pattern: GET with Upgrade on HTTP/1.1, extended CONNECT on HTTP/2 (RFC 8441).

        Raises:
            As `add`.
        """
        self._ws(pattern^, sockets^, 0)

    def ws(mut self, var pattern: String, var sockets: AnySockets, options: WebSocketOptions) raises:
        """The same, with options of the route's own."""
        self._ws(pattern^, sockets^, options._handle)

    def _ws(mut self, var pattern: String, var sockets: AnySockets, options: Handle) raises:
        var path = terminated(pattern, "the pattern")
        var status = self._api[].router_ws(
            self._handle,
            path,
            options,
            sockets._open,
            sockets._message,
            sockets._writable,
            sockets._close,
            sockets.release(),
            sockets._destroy,
        )
        _ = pattern^
        check(self._api, status)

    def add_files(mut self, var pattern: String, var directory: String, var settings: String = String()) raises:
        """Serves the files below a directory; see flare_router_add_files() in docs/c-api/router.md.

        Args:
            pattern: A pattern whose last segment is a `*name`.
            directory: The path of the directory, which is opened now.
            settings: Such as "index=index.html; precompressed=1; cache_control=max-age=60".

        Raises:
            As `add`, and FLARE_ERROR_NOT_FOUND, FLARE_ERROR_PERMISSION or FLARE_ERROR_IO when the directory can't be opened.
        """
        self._add_files(pattern^, directory^, settings^, 0)

    def add_files(
        mut self, var pattern: String, var directory: String, var settings: String, options: RouteOptions
    ) raises:
        """The same, with options of the route's own."""
        self._add_files(pattern^, directory^, settings^, options._handle)

    def _add_files(
        mut self, var pattern: String, var directory: String, var settings: String, options: Handle
    ) raises:
        var path = terminated(pattern, "the pattern")
        var folder = terminated(directory, "the directory")
        var words = terminated(settings, "the settings")
        var status = self._api[].router_add_files(self._handle, path, folder, words, options)
        _ = pattern^
        _ = directory^
        _ = settings^
        check(self._api, status)

    def add_queue(mut self, var method: String, var pattern: String, queue: Queue, *, tag: Int = 0) raises:
        """Adds a route whose requests go to a queue.

        Args:
            method: The method, or "*".
            pattern: The pattern.
            queue: Where its requests go.
            tag: Comes with each of them; not negative.

        Raises:
            As `add`.
        """
        self._add_queue(method^, pattern^, queue, tag, 0)

    def add_queue(
        mut self, var method: String, var pattern: String, queue: Queue, options: RouteOptions, *, tag: Int = 0
    ) raises:
        """The same, with options of the route's own. With `streaming` the request comes at its head; see `Queue.watch`."""
        self._add_queue(method^, pattern^, queue, tag, options._handle)

    def _add_queue(
        mut self, var method: String, var pattern: String, queue: Queue, tag: Int, options: Handle
    ) raises:
        var verb = terminated(method, "the method")
        var path = terminated(pattern, "the pattern")
        var status = self._api[].router_add_queue(self._handle, verb, path, options, queue.handle(), UInt64(tag))
        _ = method^
        _ = pattern^
        check(self._api, status)

    def mount(mut self, var prefix: String, other: Router) raises:
        """Adds all routes of another router below a prefix; its "/" becomes the prefix itself.

        Raises:
            As `add`. No route was added then.
        """
        var status = self._api[].router_mount(self._handle, terminated(prefix, "the prefix"), other._handle)
        _ = prefix^
        check(self._api, status)

    def layer[M: Middleware](mut self, var middleware: M) raises:
        """Adds middleware around all routes, those that are added later and paths without a route included. The first that is added is
        outermost: it sees requests first and answers last."""
        check(self._api, add_to_router(self._api, self._handle, middleware^))

    def use(mut self, middleware: StockMiddleware) raises:
        """The same with middleware that comes with flare: `router.use(access_log())`. Each that is added counts for itself.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT when one of its settings is missing.
        """
        check(self._api, self._api[].router_add_middleware(self._handle, middleware._handle))
