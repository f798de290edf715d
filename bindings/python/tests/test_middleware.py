"""Middleware in Python and of the core."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from flare import App, Request, Response
from flare.middleware import AccessLog, BearerAuth, Forwarded, RateLimit, RequestId


def tag(name: str) -> Callable[[Request, Callable[[Request], Response]], Response]:
    def middleware(request: Request, next: Callable[[Request], Response]) -> Response:
        response = next(request)
        response.headers.add("x-tag", name)
        return response

    return middleware


def async_tag(name: str) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    async def middleware(request: Request, next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await next(request)
        response.headers.add("x-tag", name)
        return response

    return middleware


@pytest.mark.parametrize("make", [tag, async_tag])
def test_it_wraps_app_mount_and_route(make: Any) -> None:
    app, api = App(), App()
    app.mount("/api", api)
    app.middleware(make("app"))
    api.middleware(make("api"))
    app.get("/home", middleware=[make("a"), make("b")])(lambda request: "home")
    api.get("/")(lambda request: ("made", 201))
    with app.test_client() as client:

        def ask(method: str, path: str) -> tuple[int, list[str] | None, str]:
            answer = client.request(method, path)
            return answer.status, answer.headers.get_all("x-tag"), answer.text

        assert ask("GET", "/home") == (200, ["b", "a", "app"], "home")
        assert ask("GET", "/api") == (201, ["api", "app"], "made")
        assert ask("GET", "/nowhere") == (404, ["app"], "Not Found")
        assert ask("POST", "/home") == (405, ["app"], "Method Not Allowed")
        assert client.request("POST", "/home").headers["allow"] == "GET, HEAD, OPTIONS"


def test_def_around_async_def_is_refused_with_names() -> None:
    app = App()
    app.middleware(tag("x"))

    @app.get("/a")
    async def handler(request: Request) -> str:
        return ""

    with pytest.raises(TypeError, match=r"GET /a.*tag.*async def"):
        app.run("127.0.0.1:0")


def test_those_of_the_core(tmp_path: Path) -> None:
    app, api = App(), App()
    app.middleware(AccessLog(tmp_path / "log", format="json"))
    app.middleware(Forwarded([], trust_unix_sockets=True))
    app.middleware(RequestId())
    app.mount("/api", api)
    api.middleware(BearerAuth("api", {"secret": "ada"}))

    @api.post("/")
    def who(request: Request) -> dict[str, Any]:
        return {"id": request.id, "who": request.identity, "ip": request.client_ip}

    app.get("/few", middleware=[RateLimit(1, 0.001)])(lambda request: "one")
    with app.test_client() as client:
        assert client.post("/api").status == 401
        headers = {"Authorization": "Bearer secret", "Forwarded": "for=192.0.2.7"}
        answer = client.post("/api", headers=headers)
        assert answer.json() == {"id": answer.headers["x-request-id"], "who": "ada", "ip": "192.0.2.7"}
        assert client.get("/nowhere").headers["x-request-id"]
        # Without an address nobody is limited: the peer is a Unix socket.
        assert [client.get("/few", headers={"Forwarded": "for=192.0.2.7"}).status for _ in range(2)] == [200, 429]
    assert len((tmp_path / "log").read_text().splitlines()) == 5
    for wrong in (lambda: RateLimit(0, 1), lambda: Forwarded(["x"]), lambda: AccessLog(format="x"), lambda: BearerAuth("a\n", {})):
        with pytest.raises(ValueError):
            wrong()
