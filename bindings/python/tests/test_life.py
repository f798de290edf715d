"""The life of servers: loops, signals, processes, forks, and what is left behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop

import flare
from conftest import PATIENCE, Running, raw
from flare import App, Request

Serve = Callable[[App], Running]


def hello() -> App:
    app = App()
    app.get("/")(lambda request: "hello")
    return app


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_two_apps_in_one_running_loop(run: Callable[..., Any]) -> None:
    one, two = hello(), hello()

    @two.get("/thread")
    async def thread(request: Request) -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    async def main() -> None:
        async with one.serving("127.0.0.1", 0) as first, two.serving("127.0.0.1", 0) as second, httpx.AsyncClient() as client:
            assert (await client.get(f"http://{first.address}")).text == "hello"
            assert (await client.get(f"http://{second.address}/thread")).text == threading.current_thread().name
            assert first.stats()["requests"] == second.stats()["requests"] == 1
        assert first.report is not None and (first.report.requests, first.report.aborted) == (1, 0)

    run(main())


def test_a_cancelled_block_ends_at_once() -> None:
    app = App()

    @app.get("/")
    async def get(request: Request) -> str:
        await asyncio.sleep(60)
        return "never"

    async def main() -> flare.Report | None:
        async with app.serving("127.0.0.1", 0) as server, httpx.AsyncClient() as client:
            asking = asyncio.create_task(client.get(f"http://{server.address}"))
            while server.stats()["requests"] == 0:
                await asyncio.sleep(0.001)
            waiting = asyncio.create_task(server.wait())
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            server.drain(0)
            with pytest.raises(httpx.HTTPError):
                await asking
        return server.report

    report = asyncio.run(asyncio.wait_for(main(), PATIENCE))
    assert report is not None and report.aborted == 1


def test_a_drain_lets_busy_handlers_end(serve: Serve) -> None:
    app = App()
    begun, go = threading.Event(), threading.Event()

    @app.get("/", blocking=True)
    def get(request: Request) -> str:
        begun.set()
        assert go.wait(PATIENCE)
        return "done"

    with serve(app) as running, raw(running, "GET / HTTP/1.1\nHost: a\n\n") as connection:
        assert begun.wait(PATIENCE)
        running.server.drain(PATIENCE)
        with pytest.raises(OSError):
            while True:  # until it no longer listens
                running.connect().close()
        go.set()
        received = b""
        while more := connection.recv(65536):
            received += more
        assert received.endswith(b"done") and b"connection: close" in received.lower()
    assert running.report == flare.Report(1, running.report.finished if running.report else 0, 0)


def run_script(text: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(text), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_signals_drain_and_cut() -> None:
    program = run_script("""
        import threading, flare
        app = flare.App()
        @app.get("/", blocking=True)
        def get(request):
            print("busy", flush=True)
            threading.Event().wait(2)
            return ""
        report = app.run("127.0.0.1:0", started=lambda server: print(server.address, flush=True))
        print(report.aborted, flush=True)
    """)
    assert program.stdout is not None
    url = f"http://{program.stdout.readline().strip()}"

    def ask() -> None:
        with pytest.raises(httpx.HTTPError):
            httpx.get(url)

    asking = threading.Thread(target=ask)
    asking.start()
    assert program.stdout.readline() == "busy\n"
    program.send_signal(signal.SIGINT)
    program.send_signal(signal.SIGTERM)
    out, err = program.communicate(timeout=PATIENCE)
    asking.join()
    assert (out, program.returncode) == ("1\n", 0), err


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_workers_are_replaced_when_they_crash(start: str, tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text(
        textwrap.dedent("""
        import os, flare
        app = flare.App()
        app.get("/")(lambda request: str(os.getpid()))
        app.get("/crash")(lambda request: os.kill(os.getpid(), 9))
    """)
    )
    command = [sys.executable, "-m", "flare", "web:app", "--port", "0", "--workers", "2", "--start", start]
    program = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert program.stderr is not None
    log = ""

    def read_until(text: str) -> str:
        nonlocal log
        assert program.stderr is not None
        while text not in (line := program.stderr.readline()):
            assert line, log
            log += line
        log += line
        return line

    url = "http://" + read_until("2 workers").split("listening on ")[1].split(",")[0]
    before = {httpx.get(url).text for _ in range(50)}
    assert len(before) == 2 and str(program.pid) not in before
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{url}/crash")
    assert "SIGKILL" in read_until("starting another")
    read_until("listening on")
    after = {httpx.get(url).text for _ in range(50)}
    assert len(after) == 2 and len(after & before) == 1
    program.terminate()
    _, rest = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0 and "0 cut" in rest, log + rest


@pytest.mark.parametrize("loop", ["auto", "asyncio"])
def test_workers_may_be_threads(loop: str, tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text(
        textwrap.dedent("""
        import os, threading, flare
        app = flare.App()
        app.get("/")(lambda request: f"{os.getpid()} {threading.get_ident()}")
    """)
    )
    command = [sys.executable, "-m", "flare", "web:app", "--port", "0", "--workers", "2", "--start", "thread", "--loop", loop]
    program = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert program.stderr is not None
    while "2 workers" not in (line := program.stderr.readline()):
        assert line
    url = "http://" + line.split("listening on ")[1].split(",")[0]
    pids, threads = zip(*(httpx.get(url).text.split() for _ in range(50)), strict=True)
    assert set(pids) == {str(program.pid)} and len(set(threads)) == 2
    program.terminate()
    _, rest = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0 and "50 requests" in rest and "0 cut" in rest, rest


def test_what_a_thread_raises_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App()
    app.get("/")(lambda request: "")
    run_worker, ended = app._run_worker, []

    def fails_once(*arguments: Any) -> flare.Report:
        if threading.current_thread().name == "flare-1":
            raise OSError("no more of anything")
        report = run_worker(*arguments)
        ended.append(report)
        return report

    monkeypatch.setattr(app, "_run_worker", fails_once)
    with pytest.raises(OSError, match="no more"):
        app.run("127.0.0.1:0", workers=2, start="thread")
    assert len(ended) == 1


def test_the_end_of_a_program_waits_for_blocking_handlers() -> None:
    program = run_script("""
        import threading, flare
        app = flare.App()
        @app.get("/", blocking=True)
        def get(request):
            server.drain(0)
            threading.Event().wait(0.3)
            print("through", flush=True)
            return ""
        def ask(got):
            global server
            server = got
            import socket
            host, port = server.address.split(":")
            connection = socket.create_connection((host, int(port)))
            connection.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
        app.run("127.0.0.1:0", started=ask)
        print("ended", flush=True)
    """)
    out, err = program.communicate(timeout=PATIENCE)
    assert (sorted(out.split()), program.returncode) == (["ended", "through"], 0), err


def test_a_fork_leaves_the_server_alone() -> None:
    program = run_script("""
        import os, sys, http.client, threading, flare
        app = flare.App()
        @app.get("/fork")
        def fork(request):
            child = os.fork()
            if child == 0:
                try:
                    server.poll()
                except RuntimeError as error:
                    assert "forked" in str(error)
                    raise SystemExit(0)
                os._exit(1)
            return str(os.waitpid(child, 0)[1])
        app.get("/")(lambda request: "hello")
        def ask(got):
            global server
            server = got
            def go():
                host, port = server.address.split(":")
                kept = http.client.HTTPConnection(host, int(port))
                for _ in range(3):
                    kept.request("GET", "/")
                    assert kept.getresponse().read() == b"hello"
                    other = http.client.HTTPConnection(host, int(port))
                    other.request("GET", "/fork")
                    print(other.getresponse().read().decode(), flush=True)
                    other.close()
                server.drain()
            threading.Thread(target=go).start()
        app.run("127.0.0.1:0", started=ask)
    """)
    out, err = program.communicate(timeout=3 * PATIENCE)
    assert (out, program.returncode) == ("0\n0\n0\n", 0), err


def test_beside_ssl() -> None:
    program = run_script("""
        import ssl, flare, hashlib, urllib.request
        ssl.create_default_context()
        app = flare.App()
        app.get("/")(lambda request: hashlib.sha256(request.body).hexdigest())
        with app.test_client() as client:
            print(client.get("/").text == hashlib.sha256(b"").hexdigest(), ssl.RAND_bytes(4) != b"")
    """)
    out, err = program.communicate(timeout=PATIENCE)
    assert (out, program.returncode) == ("True True\n", 0), err


def test_misuse_of_a_server() -> None:
    app = hello()

    @app.get("/again")
    def again(request: Request) -> str:
        with pytest.raises(RuntimeError, match="inside"):
            server.poll()
        return "refused"

    server = app.host("127.0.0.1:0")
    server.poll()
    failed: list[str] = []

    def elsewhere() -> None:
        try:
            server.poll()
        except RuntimeError as error:
            failed.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "thread" in failed[0]
    asking = threading.Thread(target=lambda: failed.append(httpx.get(f"http://{server.address}/again").text))
    asking.start()
    while asking.is_alive():
        server.poll()
    assert failed[1] == "refused"
    with pytest.raises(OSError, match="can't listen"):
        hello().host(server.address)
    server.drain(0)
    server.poll()
    assert server.report is not None and server.poll() is False

    @app.get("/async")
    async def asynchronous(request: Request) -> str:
        return ""

    with pytest.raises(TypeError, match="loop"):
        app.host("127.0.0.1:0")
    with pytest.raises(TypeError, match="loop"):
        app.run("127.0.0.1:0", loop="none")


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text("app = 5\n")

    def ask(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-m", "flare", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert ask("nowhere:app") == (1, "flare: there is no module 'nowhere' (see --app-dir)\n")
    assert ask("web") == (1, "flare: web has no flare.App named 'app'\n")
    code, text = ask("--help")
    assert code == 0 and "--workers" in text and "example:" in text
    assert ask("--version") == (0, f"flare {flare.__version__}\n")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("path", ["/sync", "/async", "/fails"])
def test_a_hundred_thousand_requests_leave_nothing(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = App()
    held: list[weakref.ref[Request]] = []

    @app.post("/sync")
    def sync(request: Request) -> dict[str, Any]:
        held[:] = [weakref.ref(request)]
        request.state["self"] = request
        return {"path": request.path, "headers": dict(request.headers), "query": dict(request.query_params), "json": request.json()}

    @app.post("/async")
    async def asynchronous(request: Request) -> str:
        held[:] = [weakref.ref(request)]
        if request.query_params["n"] == "0":
            await asyncio.sleep(0)
        return request.text()

    @app.post("/fails")
    def fails(request: Request) -> str:
        held[:] = [weakref.ref(request)]
        raise flare.Disconnected("given up")

    one = f"POST {path}?n=0 HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n" + '{"a":1}'
    batch = (one * 50).encode()

    def ask(running: Running, times: int) -> None:
        with running.connect() as connection:
            for _ in range(times):
                connection.sendall(batch)
                answers = 0
                while answers < 50:
                    received = connection.recv(1 << 20)
                    assert received
                    answers += received.count(b"HTTP/1.1 ")

    # Whoever keeps records of a log, as the tests do, has a leak of his own.
    monkeypatch.setattr(logging.getLogger("flare"), "disabled", True)
    with Running(app, "asyncio") as running:
        ask(running, 200)
        gc.collect()
        before = resident()
        ask(running, 2000 if path == "/sync" else 500)
        gc.collect()
        assert resident() - before < 2 << 20
    gc.collect()
    assert held[0]() is None
