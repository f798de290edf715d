"""What handlers get and what they may return."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import flare
from flare import App, Request, Response
from flare.middleware import RequestId


def test_what_a_handler_may_return() -> None:
    app = App()
    values: dict[str, Any] = {
        "str": "é",
        "bytes": b"\x00\xff",
        "big": b"x" * 100_000,
        "bytearray": bytearray(b"array"),
        "dict": {"a": [1, 2.5, None, True, "é", {"b": []}]},
        "list": [1],
        "none": None,
        "pair": ("gone", 410),
        "response": Response("made", 201, {"x-a": "1"}),
        "tuple": (Response("two"), 202),
        "generator": (f"{i}" for i in range(3)),
        "int": 5,
        "status": ("x", 99),
    }

    @app.get("/:name")
    def get(request: Request) -> Any:
        return values[request.params["name"]]

    with app.test_client() as client:

        def ask(name: str) -> tuple[int, str | None, bytes]:
            answer = client.get(f"/{name}")
            return answer.status, answer.headers["content-type"], answer.body

        text, octets, json = "text/plain; charset=utf-8", "application/octet-stream", "application/json"
        assert ask("str") == (200, text, "é".encode())
        assert ask("bytes") == (200, octets, b"\x00\xff")
        assert ask("big") == (200, octets, b"x" * 100_000)
        assert ask("bytearray") == (200, octets, b"array")
        assert ask("dict") == (200, json, '{"a":[1,2.5,null,true,"é",{"b":[]}]}'.encode())
        assert ask("list") == (200, json, b"[1]")
        assert ask("none") == (204, None, b"")
        assert ask("pair") == (410, text, b"gone")
        assert ask("response") == (201, text, b"made")
        assert ask("response") == (201, text, b"made"), "an answer may be given twice"
        assert ask("tuple") == (202, text, b"two")
        assert ask("generator") == (200, text, b"012")
        assert ask("int")[0] == ask("status")[0] == 500


def test_a_request_is_all_there_and_outlives_its_exchange() -> None:
    app = App()
    kept: list[Request] = []

    @app.post("/items/:id/*rest")
    def post(request: Request) -> None:
        kept.append(request)

    with app.test_client() as client:
        headers = {"X-One": "1", "Cookie": 'a=1; b="two"; a=3', "x-latin": "caf\xe9"}
        client.request("POST", "/items/a%2Fb/c/d?x=1&x=2&y=%20", headers=headers, body='{"k": [1]}')
        for _ in range(50):
            client.post("/items/1/2", body=b"other")
    request = kept[0]
    assert (request.method, request.path, request.query) == ("POST", "/items/a%2Fb/c/d", "x=1&x=2&y=%20")
    assert request.params == {"id": "a/b", "rest": "c/d"}
    assert request.params is request.params
    assert dict(request.query_params) == {"x": "1", "y": " "}
    assert request.query_params.getall("x") == ["1", "2"]
    assert request.headers["x-ONE"] == "1"
    assert request.headers.get("none") is None
    assert request.headers["x-latin"] == "caf\xe9"
    assert "X-One" in request.headers and 5 not in request.headers
    assert set(request.headers) == {name for name, _ in request.headers.pairs()}
    with pytest.raises(KeyError):
        request.headers["none"]
    assert request.cookies == {"a": "1", "b": "two"}
    assert request.body == b'{"k": [1]}'
    assert request.text() == '{"k": [1]}'
    assert request.json() == {"k": [1]}
    assert (request.version, request.authority, request.client) == ("1.1", "test", None)
    assert repr(request) == "<flare.Request POST /items/a%2Fb/c/d>"
    with pytest.raises(RuntimeError):
        request.defer().respond("too late")
        request.defer()


def test_fields_of_answers() -> None:
    response = Response("x", headers=[("set-cookie", "a=1"), ("Set-Cookie", "b=2")], content_type="text/x")
    assert response.headers.getall("SET-COOKIE") == ["a=1", "b=2"]
    response.headers["set-cookie"] = "c=3"
    response.headers.add("x-n", b"\xff")
    assert dict(response.headers) == {"content-type": "text/x", "set-cookie": "c=3", "x-n": "\xff"}
    del response.headers["x-n"]
    assert response.headers.pop("x-n", "none") == "none"
    assert response.headers.setdefault("x-s", "1") == "1"
    response.headers.update({"x-s": "2", "x-t": "3"})
    assert len(response.headers) == 4
    with pytest.raises(ValueError, match="x-bad"):
        response.headers["x-bad"] = "a\r\nb: c"
    with pytest.raises(ValueError, match="field"):
        response.headers["a b"] = "c"
    with pytest.raises(ValueError, match="U\\+00FF"):
        response.headers["x"] = "€"
    with pytest.raises(KeyError):
        del response.headers["none"]
    with pytest.raises(ValueError, match="status 99"):
        response.status = 99
    with pytest.raises(TypeError, match="int"):
        Response(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="redirect"):
        Response.redirect("/", 200)
    with pytest.raises(ValueError, match="address"):
        Response.relay("nonsense")


def test_a_failure_is_told_to_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    app = App()

    @app.get("/sync")
    def sync(request: Request) -> str:
        raise ValueError("the secret")

    @app.get("/async")
    async def asynchronous(request: Request) -> str:
        await asyncio.sleep(0)
        raise ValueError("the secret")

    @app.get("/pieces")
    def pieces(request: Request) -> Iterator[str]:
        yield "one"
        raise ValueError("the secret")

    @app.get("/first")
    def first(request: Request) -> Iterator[str]:
        raise ValueError("the secret")
        yield "never"

    @app.get("/blocking", blocking=True)
    def blocking(request: Request) -> str:
        raise ValueError("the secret")

    @app.get("/future")
    def future(request: Request) -> Future[str]:
        failed: Future[str] = Future()
        failed.set_exception(ValueError("the secret"))
        return failed

    with caplog.at_level(logging.ERROR, "flare"), app.test_client() as client:
        for path in ("/sync", "/async", "/first", "/blocking", "/future"):
            answer = client.get(path)
            assert (answer.status, answer.body) == (500, b"Internal Server Error"), path
        with pytest.raises(OSError):
            client.get("/pieces")
    assert len(caplog.records) == 6
    for record in caplog.records:
        assert record.exc_info is not None and "the secret" in caplog.text
        assert record.exc_info[2] is not None or "future" in record.getMessage()


def test_mistakes_are_found_at_registration() -> None:
    app = App()
    app.get("/x")(lambda request: "x")
    for path, text in {"no-slash": "start with", "/a/:": "name", "/x": "same", "/*a/b": "last", "/%zz": "hexadecimal"}.items():
        with pytest.raises(ValueError, match=text) as caught:
            app.get(path)(lambda request: "x")
        assert repr(path).strip("'") in str(caught.value)
    with pytest.raises(ValueError, match="method"):
        app.route("/y", ["B AD"])(lambda request: "x")
    with pytest.raises(TypeError, match="/y"):
        app.get("/y")("no function")  # type: ignore[type-var]
    with pytest.raises(TypeError, match="blocking"):

        @app.get("/y", blocking=True)
        async def wrong(request: Request) -> str:
            return ""

    with pytest.raises(TypeError, match=r"/y: .*<lambda>\(\) can't be called with a request"):
        app.get("/y")(lambda: "x")  # type: ignore[misc, arg-type]
    app.get("/y")(lambda request, more=1: "x")
    app.get("/z")(str)  # type: ignore[type-var]
    with pytest.raises(TypeError, match=r'@app.get\("/"\)'):
        app.get(lambda request: "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="port=8080"):
        app.run(8080)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="middleware"):
        app.middleware(5)  # type: ignore[type-var]
    with pytest.raises(ValueError, match="itself"):
        app.mount("/app", app)
    with pytest.raises(OSError):
        app.files("/files", "/no/such/folder")
    with pytest.raises(ValueError, match="workers"):
        app.run(workers=0)
    with pytest.raises(ValueError, match="has a port"):
        app.run("127.0.0.1:80", 80)
    with pytest.raises(ValueError, match="backlog"):
        App(flare.Settings(backlog=0)).run("127.0.0.1:0")


def test_answers_from_other_threads() -> None:
    app = App()
    pool = ThreadPoolExecutor(4)

    @app.get("/future/:n")
    def future(request: Request) -> Future[str]:
        return pool.submit(lambda: request.params["n"])

    @app.get("/deferred")
    def deferred(request: Request) -> None:
        exchange = request.defer()

        def work() -> None:
            exchange.start(Response(content_type="text/plain"))
            for _ in range(20):
                exchange.write(b"x" * 50_000)
            exchange.finish()

        threading.Thread(target=work).start()

    @app.get("/dropped")
    def dropped(request: Request) -> None:
        request.defer()

    with app.test_client() as client:
        for n in range(20):
            assert client.get(f"/future/{n}").text == str(n)
        assert client.get("/deferred").body == b"x" * 1_000_000
        assert client.get("/dropped").status == 500


def test_tasks_of_async_handlers() -> None:
    app = App()
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    tasks: list[asyncio.Task[Any] | None] = []

    @app.get("/task")
    async def task(request: Request) -> str:
        before = asyncio.current_task()
        tasks.append(before)
        token = variable.set(variable.get() + 1)
        await asyncio.sleep(0.001)
        assert asyncio.current_task() is before
        value = variable.get()
        variable.reset(token)
        return str(value)

    @app.get("/at-once")
    async def at_once(request: Request) -> str:
        tasks.append(asyncio.current_task())
        variable.set(variable.get() + 1)
        return str(variable.get())

    @app.get("/timeout")
    async def timeout(request: Request) -> str:
        try:
            await asyncio.wait_for(asyncio.sleep(60), 0.01)
        except asyncio.TimeoutError:
            return "in time"
        return "late"

    @app.get("/self")
    async def cancels_itself(request: Request) -> str:
        current = asyncio.current_task()
        assert current is not None
        current.cancel()
        await asyncio.sleep(60)
        return "never"

    @app.get("/returned")
    def returned(request: Request) -> Any:
        return timeout(request)

    @app.get("/pieces")
    async def pieces(request: Request) -> AsyncIterator[bytes]:
        for _ in range(100):
            await asyncio.sleep(0)
            yield b"x" * 10_000

    del pieces

    @app.get("/letters")
    def letters(request: Request) -> AsyncIterator[bytes]:
        async def make() -> AsyncIterator[bytes]:
            for _ in range(100):
                await asyncio.sleep(0)
                yield b"x" * 10_000

        return make()

    with app.test_client() as client:
        for path in ("/task", "/at-once") * 3:
            assert client.get(path).text == "1"
        assert client.get("/timeout").text == client.get("/returned").text == "in time"
        assert client.get("/self").status == 503
        assert client.get("/letters").body == b"x" * 1_000_000
    assert None not in tasks and len(set(tasks)) == 6


def test_prepared_answers() -> None:
    app = App()
    app.middleware(RequestId())
    app.prepared("/robots.txt", "User-agent: *\nDisallow:\n")
    app.prepared("/about", Response.json({"name": "flare"}, 201, {"x-kind": "fixed"}), ["GET", "POST"])
    with pytest.raises(ValueError, match="robots"):
        app.prepared("/robots.txt", "again")
    for wrong in (iter(["a"]), Response.file("/etc/hostname")):
        with pytest.raises(TypeError, match="memory"):
            app.prepared("/wrong", wrong)
    with pytest.raises(ValueError, match="prepared"):
        app.prepared("/wrong", Response("", headers={"content-length": "5"}))
    below = App()
    below.mount("/below", app)
    with below.test_client() as client:
        for _ in range(2):
            answer = client.get("/below/robots.txt")
            assert (answer.status, answer.text) == (200, "User-agent: *\nDisallow:\n")
            assert answer.headers["content-type"] == "text/plain; charset=utf-8" and answer.headers["x-request-id"]
        answer = client.post("/below/about")
        assert (answer.status, answer.json(), answer.headers["x-kind"]) == (201, {"name": "flare"}, "fixed")
        assert client.request("HEAD", "/below/about").body == b""
