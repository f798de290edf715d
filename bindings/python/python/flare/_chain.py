"""Middleware around handlers, made into one function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from ._flare import Request, Response, as_response, refusal

Handler = Callable[[Request], Any]
Next = Callable[[Request], Response]
AsyncNext = Callable[[Request], Awaitable[Response]]
Middleware = Callable[[Request, Next], Any] | Callable[[Request, AsyncNext], Awaitable[Any]]


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine."""
    while isinstance(function, partial):
        function = function.func
    if inspect.iscoroutinefunction(function):
        return True
    return not inspect.isroutine(function) and inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def name_of(function: object) -> str:
    """What people call a function."""
    return str(getattr(function, "__qualname__", None) or repr(function))


def check_parameters(where: str, handler: Handler) -> None:
    """Raises where a handler could not be called with a request."""
    try:
        signature = inspect.signature(handler)
    except (ValueError, TypeError):
        # Of some functions in C nobody knows.
        return
    try:
        signature.bind(None)
    except TypeError:
        raise TypeError(f"route {where}: {name_of(handler)}{signature} can't be called with a request alone") from None


def compose(route: str, handler: Handler, chain: Sequence[Middleware]) -> tuple[Handler, bool]:
    """The handler of a route with its middleware around it, outermost first; and whether that gives a coroutine."""
    if not chain:
        return handler, is_async(handler)
    if not is_async(handler) and not any(map(is_async, chain)):
        inner: Any = partial(_answer, handler)
        outward: list[Any] = list(reversed(chain))
        for each in outward:
            inner = partial(_around, each, inner)
        return inner, False
    for middleware in chain:
        if not is_async(middleware):
            raise TypeError(
                f"route {route}: the middleware {name_of(middleware)} is def, but the handler or another middleware is "
                "async def: it can't wait for their answers. Make it async def"
            )
    inner = partial(_answer_async, handler) if is_async(handler) else partial(_answer_of_sync, handler)
    outward = list(reversed(chain))
    for each in outward:
        inner = partial(_around_async, each, inner)
    return inner, True


def _answer(handler: Handler, request: Request) -> Response:
    return as_response(handler(request))


def _around(middleware: Callable[[Request, Next], Any], inner: Next, request: Request) -> Response:
    return as_response(middleware(request, inner))


async def _answer_async(handler: Handler, request: Request) -> Response:
    return as_response(await handler(request))


async def _answer_of_sync(handler: Handler, request: Request) -> Response:
    return as_response(handler(request))


async def _around_async(middleware: Callable[[Request, AsyncNext], Awaitable[Any]], inner: AsyncNext, request: Request) -> Response:
    return as_response(await middleware(request, inner))


def refuse(request: Request) -> Response:
    """The answer to a request that no route takes, as the server itself would give it."""
    status, allow = refusal(request) or (404, None)
    return Response.plain(status, {"allow": allow} if allow is not None else None)
