"""The application: routes, middleware, and the ways to serve them."""

from __future__ import annotations

import asyncio
import importlib
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, TypeVar

from . import _plain, _threads, _workers
from ._chain import Handler, Middleware, check_parameters, compose, is_async, name_of, refuse
from ._flare import Layer, Queue, Report, Request, Response, Router, Server, as_response
from ._log import logger
from ._running import Running
from ._sockets import SocketHandler
from ._workers import Start
from .server import HostServer
from .serving import Serving
from .settings import Settings, milliseconds
from .testing import TestClient
from .tls import Pem, Tls, given_by

H = TypeVar("H", bound=Handler)
S = TypeVar("S", bound=SocketHandler | type)
M = TypeVar("M", bound=Middleware | Layer)
Loop = Literal["auto", "none", "asyncio", "uvloop"]


@dataclass(frozen=True)
class _Route:
    method: str
    path: str
    handler: Handler | Queue
    middleware: tuple[Middleware | Layer, ...] = ()
    stream: bool = False
    blocking: bool = False
    body_limit: int | None = None
    timeout: float | None = None


@dataclass(frozen=True)
class _Files:
    path: str
    folder: str
    options: str


@dataclass(frozen=True)
class _Prepared:
    method: str
    path: str
    answer: Response


@dataclass(frozen=True)
class _Sockets:
    path: str
    handler: SocketHandler | type
    settings: list[tuple[str, str | int]]
    accept: Callable[[Request], object] | None = None
    otherwise: Handler | None = None
    middleware: tuple[Layer, ...] = ()


@dataclass
class _Mount:
    prefix: str
    app: App
    within: list[App] = field(default_factory=list)


class App:
    """Handlers by method and path, and middleware around them.

    Paths are made of segments: text, `:name` (one segment, not empty) and, last, `*name` (the rest of the path, slashes included). Text
    beats `:name` beats `*name`, whatever the order. HEAD is answered by GET, OPTIONS and 405 by the server.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._routes: list[_Route | _Files | _Prepared | _Sockets | _Mount] = []
        self._middleware: list[Middleware | Layer] = []
        self._known = Router()

    # ---- routes

    def route(
        self,
        path: str,
        methods: Iterable[str] = ("GET",),
        *,
        stream: bool = False,
        blocking: bool = False,
        body_limit: int | None = None,
        timeout: float | None = None,
        middleware: Sequence[Middleware | Layer] = (),
    ) -> Callable[[H], H]:
        """Adds the function below as the handler of a path, for these methods ("*" for all).

        stream: it is called at the head of a request; content comes by iterating over the request.
        blocking: it may block, and is called on a thread of a pool; it must be a plain function.
        body_limit: the most bytes of content; more is refused with 413.
        timeout: seconds from the call to the answer; then 503, and a task is cancelled.
        middleware: around this route alone, outermost first.
        """
        if not isinstance(path, str):
            raise TypeError(f'a path is a str, not {path!r}: the decorator is written with it, as in @app.get("/")')
        given = [methods] if isinstance(methods, str) else list(methods)
        if not given:
            raise ValueError(f"route {path!r}: no methods")

        def add(handler: H) -> H:
            where = f"{' '.join(given)} {path}"
            if not callable(handler):
                raise TypeError(f"route {where}: {handler!r} is no function")
            check_parameters(where, handler)
            if blocking and is_async(handler):
                raise TypeError(f"route {where}: {name_of(handler)} is async def, which needs no thread: not with blocking")
            for each in middleware:
                _check_middleware(each)
            for method in given:
                self._known.check(method, path)
                self._routes.append(_Route(method, path, handler, tuple(middleware), stream, blocking, body_limit, timeout))
            return handler

        return add

    def get(self, path: str, **options: Any) -> Callable[[H], H]:
        """Adds a handler for GET, which answers HEAD too. Options as for `route`."""
        return self.route(path, ("GET",), **options)

    def post(self, path: str, **options: Any) -> Callable[[H], H]:
        """Adds a handler for POST. Options as for `route`."""
        return self.route(path, ("POST",), **options)

    def put(self, path: str, **options: Any) -> Callable[[H], H]:
        """Adds a handler for PUT. Options as for `route`."""
        return self.route(path, ("PUT",), **options)

    def patch(self, path: str, **options: Any) -> Callable[[H], H]:
        """Adds a handler for PATCH. Options as for `route`."""
        return self.route(path, ("PATCH",), **options)

    def delete(self, path: str, **options: Any) -> Callable[[H], H]:
        """Adds a handler for DELETE. Options as for `route`."""
        return self.route(path, ("DELETE",), **options)

    def any(self, path: str, **options: Any) -> Callable[[H], H]:
        """Adds a handler for every method. Options as for `route`."""
        return self.route(path, ("*",), **options)

    def ws(
        self,
        path: str,
        *,
        protocols: Sequence[str] = (),
        origins: str | Sequence[str] = "same",
        message_limit: int | None = None,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
        close_timeout: float | None = None,
        deflate: bool = False,
        deflate_takeover: bool = False,
        accept: Callable[[Request], object] | None = None,
        otherwise: Handler | None = None,
        middleware: Sequence[Layer] = (),
    ) -> Callable[[S], S]:
        """Adds WebSockets at a path, on HTTP/1.1 and HTTP/2.

        The `async def` function below gets each as a `WebSocket`, in a task of its own. When it returns the socket is closed with 1000,
        when it raises with 1011, and the log has the traceback. When the client leaves, reading ends and sending raises; a function that
        never reads is cancelled at once, another one when it has not found out within `close_timeout`.

        Or a class: an object of it is made for each socket, and what it has of `open(ws)`, `message(ws, message)`, `writable(ws)` and
        `close(ws, code, reason)` is called in the thread of the loop, which needs no asyncio. They must not wait: `ws.try_send`,
        `ws.begin_close`.

        protocols: subprotocols, the best first. origins: the web pages that may open a socket: "same" for those of this host, "*" for all,
            or a list such as `["https://example.com"]`; who sends no Origin is no browser, and always may.
        message_limit: the most bytes of a message, after decompression; more ends the socket with 1009. Default 1 MiB.
        ping_interval, ping_timeout: a client that sent nothing for so many seconds is sent a Ping (default 30), and one that sent nothing
            for so long after it is gone (20). close_timeout: how long it may take to answer a Close. Default 10.
        deflate: messages may be compressed (permessage-deflate). deflate_takeover: and refer to those before, for about 300 KiB that each
            socket holds.
        accept: called with the request before the socket is opened; what it returns but `None` is a status or an answer that refuses it.
        otherwise: the handler of a GET that asks for no WebSocket. Default: 426.
        middleware: of `flare.middleware`, around this route alone. Middleware in Python does not see WebSockets.
        """
        settings = _socket_settings(
            protocols, origins, message_limit, ping_interval, ping_timeout, close_timeout, deflate, deflate_takeover
        )

        def add(handler: S) -> S:
            where = f"route WS {path}"
            if isinstance(handler, type):
                _check_callbacks(where, handler)
            elif not callable(handler):
                raise TypeError(f"{where}: {handler!r} is no function")
            elif not is_async(handler):
                what = name_of(handler)
                raise TypeError(f"{where}: {what} is def, which can't wait for messages: make it async def, or a class with message()")
            for name, function in (("accept", accept), ("otherwise", otherwise)):
                if function is not None and not callable(function):
                    raise TypeError(f"{where}: {name}: {function!r} is no function")
            if accept is not None and is_async(accept):
                raise TypeError(f"{where}: accept: {name_of(accept)} is async def: it can't wait (close the socket in its handler instead)")
            for each in middleware:
                if not isinstance(each, Layer):
                    raise TypeError(f"{where}: {each!r} is none of flare.middleware")
            # Made once for nothing, so that what is wrong with it shows here.
            Router().ws(path, handler, True, settings, None, None, [])
            for method in ("GET", "CONNECT"):
                self._known.check(method, path)
            self._routes.append(_Sockets(path, handler, settings, accept, otherwise, tuple(middleware)))
            return handler

        return add

    def queue(
        self,
        path: str,
        queue: Queue,
        methods: Iterable[str] = ("GET",),
        *,
        stream: bool = False,
        body_limit: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Puts the requests of a path into a queue that threads of the program pull from. Middleware in Python does not see them."""
        for method in methods:
            self._known.check(method, path)
            self._routes.append(_Route(method, path, queue, (), stream, False, body_limit, timeout))

    def prepared(self, path: str, answer: object, methods: Iterable[str] = ("GET",)) -> None:
        """Adds a path whose answer never changes, such as `/robots.txt`: it is encoded once, and Python is not asked for a request.

        answer: what a handler may return, with its content in memory. Middleware in Python does not see these requests.
        """
        response = as_response(answer)
        for method in methods:
            # Made once for nothing, so that what is wrong with it shows here.
            Router().prepared(method, path, response, [])
            self._known.check(method, path)
            self._routes.append(_Prepared(method, path, response))

    def files(
        self,
        prefix: str,
        folder: str | os.PathLike[str],
        *,
        index: str | None = None,
        cache_control: str | None = None,
        precompressed: bool = False,
        hidden: bool = False,
        links_inside: bool = False,
    ) -> None:
        """Serves the files of a folder below a prefix: types, validators, conditional requests, ranges. Python is not asked.

        index: the file that stands for a folder. cache_control: the value of that field.
        precompressed: a file beside it that ends with `.br`, `.zst` or `.gz` is sent to clients that take it.
        hidden: names that begin with a dot are served too. links_inside: links are followed if they stay in the folder.
        """
        for name, value in (("index", index), ("cache_control", cache_control)):
            if value is not None and ";" in value:
                raise ValueError(f"files {prefix!r}: {name} must not hold ';'")
        options = {
            "index": index,
            "cache_control": cache_control,
            "precompressed": "1" if precompressed else None,
            "hidden": "1" if hidden else None,
            "links_inside": "1" if links_inside else None,
        }
        text = "; ".join(f"{name}={value}" for name, value in options.items() if value is not None)
        path = f"{prefix.rstrip('/')}/*path"
        # Made once for nothing, so that what is wrong with it shows here.
        Router().files(path, os.fspath(folder), text, [])
        self._known.check("GET", path)
        self._routes.append(_Files(path, os.fspath(folder), text))

    def mount(self, prefix: str, app: App) -> None:
        """Adds all routes of another app below a prefix, also those that it gets later. Its middleware stays around them."""
        if not isinstance(app, App):
            raise TypeError(f"mount {prefix!r}: {app!r} is no App")
        if not prefix.startswith("/") or (prefix.endswith("/") and prefix != "/"):
            raise ValueError(f"mount {prefix!r}: a prefix begins with '/' and does not end with it")
        if app is self or self in app._mounted():
            raise ValueError(f"mount {prefix!r}: an app can't be mounted below itself")
        self._routes.append(_Mount(prefix, app))

    def _mounted(self) -> list[App]:
        apps = []
        for route in self._routes:
            if isinstance(route, _Mount):
                apps += [route.app, *route.app._mounted()]
        return apps

    def middleware(self, middleware: M) -> M:
        """Adds middleware around all routes of this app; the first is outermost.

        A function of the request and what comes next: `def mw(request, next)` or `async def mw(request, next)`. `next(request)` gives the
        `Response`, which may be changed; who does not call it answers instead. In an app with `async def` handlers middleware is
        `async def` too. Or one of `flare.middleware`, which never comes to Python.
        """
        _check_middleware(middleware)
        self._middleware.append(middleware)
        return middleware

    # ---- serving

    def _compile(self) -> tuple[Router, bool]:
        """All routes for one server, and whether they need a loop."""
        router = Router()
        layers, chain = _split(self._middleware)
        for layer in layers:
            router.layer(layer)
        needs_loop = self._add_to(router, "", chain)
        if chain:
            target, asynchronous = compose("that nobody takes", refuse, chain)
            router.unrouted(target, asynchronous)
            needs_loop |= asynchronous
        return router, needs_loop

    def _add_to(self, router: Router, prefix: str, around: Sequence[Middleware | Layer]) -> bool:
        needs_loop = False
        for route in self._routes:
            if isinstance(route, _Mount):
                below = prefix + ("" if route.prefix == "/" else route.prefix)
                needs_loop |= route.app._add_to(router, below, [*around, *route.app._middleware])
                continue
            path = prefix if prefix and route.path == "/" else prefix + route.path
            if isinstance(route, _Files):
                router.files(path, route.folder, route.options, _split(around)[0])
                continue
            if isinstance(route, _Prepared):
                router.prepared(route.method, path, route.answer, _split(around)[0])
                continue
            if isinstance(route, _Sockets):
                needs_loop |= _add_sockets(router, path, route, around)
                continue
            layers, chain = _split([*around, *route.middleware])
            if isinstance(route.handler, Queue):
                router.queue(route.method, path, route.handler, layers, route.stream, route.body_limit, route.timeout)
                continue
            target, asynchronous = compose(f"{route.method} {path}", route.handler, chain)
            if asynchronous and route.blocking:
                raise TypeError(f"route {route.method} {path}: async def middleware around a blocking handler")
            router.add(
                route.method,
                path,
                target,
                asynchronous,
                layers,
                route.stream,
                route.blocking,
                route.body_limit,
                route.timeout,
            )
            needs_loop |= asynchronous
        return needs_loop

    def _server(
        self, addresses: list[str], tls: Tls | None = None, more: dict[str, int | float | str] | None = None
    ) -> tuple[Server, bool]:
        router, needs_loop = self._compile()
        settings = {**self.settings._given(), **(more or {})}
        given = None if tls is None else tls._given()
        return Server(router, addresses, settings, logger.getEffectiveLevel(), given), needs_loop

    def host(
        self,
        host: str = "127.0.0.1",
        port: int | None = None,
        *,
        certificate: Pem | None = None,
        key: Pem | None = None,
        tls: Tls | None = None,
    ) -> HostServer:
        """Binds, and leaves the loop to the program. See `HostServer`. All handlers must be plain functions. TLS as for `run`."""
        server, needs_loop = self._server([_address(host, port)], given_by(certificate, key, tls))
        if needs_loop:
            raise TypeError("async def handlers need a loop of asyncio: use serving() or run()")
        return HostServer(server)

    def test_client(self, *, loop: Loop = "auto", timeout: float = 10) -> TestClient:
        """A client for tests, which needs no port: `with app.test_client() as client`. See `TestClient`."""
        return TestClient(self, loop, timeout)

    def serving(
        self,
        host: str = "127.0.0.1",
        port: int | None = None,
        *,
        certificate: Pem | None = None,
        key: Pem | None = None,
        tls: Tls | None = None,
    ) -> Serving:
        """A server for a running loop of asyncio or uvloop: `async with app.serving("127.0.0.1", 8080) as server`. TLS as for `run`."""
        address, given = _address(host, port), given_by(certificate, key, tls)
        return Serving(lambda: self._server([address], given)[0])

    def run(
        self,
        host: str = "127.0.0.1",
        port: int | None = None,
        *,
        certificate: Pem | None = None,
        key: Pem | None = None,
        tls: Tls | None = None,
        workers: int = 1,
        start: Start = "spawn",
        loop: Loop = "auto",
        started: Callable[[HostServer], object] | None = None,
    ) -> Report:
        """Serves until SIGTERM or SIGINT, then drains and says how it ended. A second signal cuts what still runs.

        host: a name or an address, with the port in it or beside it; or `unix:/run/app.sock`. port: 0 for any free one; default 8080.
        certificate, key: PEM files, or bytes with what would be in them: served over TLS, with HTTP/2. SIGHUP, and `reload_tls()` of the
            server that `started` gets, read the files again.
        tls: the same with more settings, such as certificates of clients. See `Tls`.
        workers: processes that share the port. One that crashes is replaced, and the log says so. Their app must be a name in a module.
        start: how they are made: "spawn" (a fresh Python each) or "fork". "thread" makes threads of this process instead, each with a
            server and a loop of its own: they run at the same time only where there is no GIL, and handlers share what they touch.
        loop: "uvloop", "asyncio", or "none" for an app of plain functions; "auto" takes "none" where it can, then uvloop if that is there.
        started: called when connections are taken, with the server.
        """
        address, given = _address(host, port), given_by(certificate, key, tls)
        if workers < 1:
            raise ValueError(f"workers: {workers} is less than 1")
        if workers > 1:
            if started is not None:
                raise ValueError("started is for one worker: with several, each has a server of its own")
            return self._run_workers(address, workers, start, loop, given)
        server, needs_loop = self._server([address], given)
        return self._run_one(server, needs_loop, loop, started)

    def _run_one(self, server: Server, needs_loop: bool, loop: Loop, started: Callable[[HostServer], object] | None) -> Report:
        if loop == "none" and needs_loop:
            raise TypeError('async def handlers need a loop: not with loop="none"')
        if loop == "none" or (loop == "auto" and not needs_loop):
            return self._run_plain(server, started)
        return _runner(loop)(self._run_async(server, started))

    def _run_workers(
        self, address: str, count: int, start: Start, loop: Loop, tls: Tls | None = None, level: int | None = None
    ) -> Report:
        if address.startswith("unix:"):
            raise ValueError("several workers need a port: a Unix socket belongs to one process")
        if start == "spawn":
            pickle.dumps(self)
        # What is wrong with the app, or with certificates, shows here, and not in each worker.
        self._compile()
        if tls is not None:
            tls.check()
        address, held = _workers.reserve(address)
        all_of_them: _workers.Workers | _threads.Threads
        if start == "thread":
            all_of_them = _threads.Threads(self, address, count, loop, tls)
        else:
            all_of_them = _workers.Workers(self, address, count, start, loop, tls, level)
        with held:
            return _ended(all_of_them.run(lambda: logger.info("listening on %s, %d workers", address, count)))

    def _run_worker(self, address: str, loop: Loop, tls: Tls | None, listening: Callable[[HostServer], object]) -> Report:
        """The life of this app in a worker."""
        server, needs_loop = self._server([address], tls, {"reuse_port": 1})
        return self._run_one(server, needs_loop, loop, listening)

    def __reduce__(self) -> tuple[Any, ...]:
        # By its name: another process has its own, with functions that can't be sent.
        for module in (sys.modules["__main__"], *list(sys.modules.values())):
            for name, value in list(vars(module).items()) if isinstance(module, ModuleType) else ():
                if value is self:
                    return _find, (module.__name__, name)
        raise TypeError('an app for workers that are spawned must be a name in a module; or use start="fork"')

    def _run_plain(self, server: Server, started: Callable[[HostServer], object] | None) -> Report:
        host = HostServer(server)
        running = Running(host)
        return _ended(_plain.run(server, lambda: _started(host, started), running.end, running.reload if server.secure else None))

    async def _run_async(self, server: Server, started: Callable[[HostServer], object] | None) -> Report:
        from ._signals import watched_by_loop

        async with Serving(lambda: server) as serving:
            running = Running(serving)
            with watched_by_loop(running.end, running.reload if server.secure else None):
                _started(serving, started)
                return _ended(await serving.wait())


def _find(module: str, name: str) -> object:
    """An app in another process."""
    return getattr(importlib.import_module(module), name)


def _started(server: HostServer, then: Callable[[HostServer], object] | None) -> None:
    for address in server.addresses:
        logger.info("listening on %s", address)
    if then is not None:
        then(server)


def _ended(report: Report) -> Report:
    logger.info("ended: %d requests, %d connections finished, %d cut", report.requests, report.finished, report.aborted)
    return report


def _runner(loop: Loop) -> Callable[..., Report]:
    """What runs a coroutine in a loop of this kind."""
    if loop != "asyncio":
        try:
            import uvloop
        except ImportError:
            if loop == "uvloop":
                raise
        else:
            return uvloop.run
    return asyncio.run


def _add_sockets(router: Router, path: str, route: _Sockets, around: Sequence[Middleware | Layer]) -> bool:
    """Adds WebSockets to the routes of a server, and says whether they need a loop."""
    layers, chain = _split(around)
    asynchronous = needs_loop = not isinstance(route.handler, type)
    otherwise = None
    if route.otherwise is not None:
        otherwise = compose(f"GET {path}", route.otherwise, chain)
        needs_loop |= otherwise[1]
    router.ws(path, route.handler, asynchronous, route.settings, route.accept, otherwise, [*layers, *route.middleware])
    return needs_loop


def _socket_settings(
    protocols: Sequence[str],
    origins: str | Sequence[str],
    message_limit: int | None,
    ping_interval: float | None,
    ping_timeout: float | None,
    close_timeout: float | None,
    deflate: bool,
    deflate_takeover: bool,
) -> list[tuple[str, str | int]]:
    """Settings of WebSockets as the core reads them."""
    if isinstance(protocols, str):
        raise TypeError("protocols is a list of names, not one text")
    if isinstance(origins, str) and origins not in ("same", "*"):
        raise ValueError(f'origins is "same", "*" or a list of origins, not {origins!r}')
    for each in (*protocols, *origins):
        if "," in each:
            raise ValueError(f"{each!r} has a comma")
    given: dict[str, str | int | None] = {
        "protocols": ",".join(protocols) or None,
        "origins": origins if isinstance(origins, str) else ",".join(origins),
        "message_limit": message_limit,
        "ping_interval_ms": milliseconds("ping_interval", ping_interval),
        "ping_timeout_ms": milliseconds("ping_timeout", ping_timeout),
        "close_timeout_ms": milliseconds("close_timeout", close_timeout),
        "deflate": int(deflate),
        "deflate_takeover": int(deflate_takeover),
    }
    return [(name, value) for name, value in given.items() if value is not None]


def _check_callbacks(where: str, handler: type) -> None:
    methods = [name for name in ("open", "message", "writable", "close") if hasattr(handler, name)]
    if not methods:
        raise TypeError(f"{where}: the class {handler.__qualname__} has none of open(), message(), writable() and close()")
    for name in methods:
        if is_async(getattr(handler, name)):
            raise TypeError(f"{where}: {handler.__qualname__}.{name} is async def: what waits is an async def function instead of a class")


def _split(middleware: Sequence[Middleware | Layer]) -> tuple[list[Layer], list[Middleware]]:
    """Middleware of the core, and that of Python."""
    layers = [each for each in middleware if isinstance(each, Layer)]
    return layers, [each for each in middleware if not isinstance(each, Layer)]


def _check_middleware(middleware: object) -> None:
    if not callable(middleware) and not isinstance(middleware, Layer):
        raise TypeError(f"{middleware!r} is no middleware: it is a function of (request, next)")


def _address(host: str, port: int | None) -> str:
    """An address as the core writes it."""
    if not isinstance(host, str):
        raise TypeError(f"a host is a str, not {host!r}; a port goes by its name: port=8080")
    if host.startswith("unix:"):
        if port is not None:
            raise ValueError(f"{host!r} has no port")
        return host
    bare = host.count(":") > 1 and not host.startswith("[")
    has_port = not bare and ":" in host.rpartition("]")[2]
    if has_port:
        if port is not None:
            raise ValueError(f"{host!r} has a port already")
        return host
    return f"[{host}]:{8080 if port is None else port}" if bare else f"{host}:{8080 if port is None else port}"
