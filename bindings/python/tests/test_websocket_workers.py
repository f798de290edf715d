"""WebSockets where the workers are processes: each client is in one of them, and topics stay there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from conftest import PATIENCE

PROGRAM = textwrap.dedent("""
    import os
    import flare

    app = flare.App()

    @app.ws("/room")
    async def room(ws: flare.WebSocket) -> None:
        ws.subscribe("room")
        await ws.send(str(os.getpid()))
        async for message in ws:
            assert ws.publish("room", f"{os.getpid()}: {message}")
""")


class Program:
    """Two workers, and what they log."""

    def __init__(self, folder: Path, start: str) -> None:
        (folder / "web.py").write_text(PROGRAM)
        command = [sys.executable, "-m", "flare", "web:app", "--port", "0", "--workers", "2", "--start", start]
        self.process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        self.log = ""
        self.url = "ws://" + self.read_until("2 workers").split("listening on ")[1].split(",")[0] + "/room"

    def read_until(self, text: str) -> str:
        assert self.process.stderr is not None
        while text not in (line := self.process.stderr.readline()):
            assert line, self.log
            self.log += line
        self.log += line
        return line

    def end(self) -> None:
        self.process.terminate()
        self.wait()

    def wait(self) -> None:
        """A second signal, once all is drained, would end a process that is about to end by itself."""
        _, rest = self.process.communicate(timeout=2 * PATIENCE)
        self.log += rest


@pytest.fixture(params=["spawn", "fork"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    made = Program(tmp_path, request.param)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.end()


def open_all(program: Program, stack: ExitStack, count: int) -> dict[int, list[ClientConnection]]:
    """Clients, by the process that each is in."""
    found: dict[int, list[ClientConnection]] = {}
    for _ in range(count):
        client = stack.enter_context(connect(program.url, open_timeout=PATIENCE, close_timeout=PATIENCE))
        found.setdefault(int(client.recv(PATIENCE)), []).append(client)
    return found


def say(client: ClientConnection, word: str, pid: int, hearers: list[ClientConnection]) -> None:
    client.send(word)
    for hearer in hearers:
        assert hearer.recv(PATIENCE) == f"{pid}: {word}"


def test_topics_stay_in_their_process(program: Program) -> None:
    with ExitStack() as stack:
        found = open_all(program, stack, 40)
        assert len(found) == 2 and program.process.pid not in found
        for pid, clients in found.items():
            say(clients[0], "hello", pid, clients)
            warning = program.read_until("this worker only")
            assert "1 other worker(s)" in warning
        # Nobody has heard what was said in the other process: the next that comes is of his own.
        for pid, clients in found.items():
            say(clients[-1], "again", pid, clients)


def test_a_worker_that_crashes_takes_its_sockets_alone(program: Program) -> None:
    with ExitStack() as stack:
        found = open_all(program, stack, 40)
        dead, alive = found
        os.kill(dead, signal.SIGKILL)
        for client in found[dead]:
            with pytest.raises(ConnectionClosed):
                client.recv(PATIENCE)
            assert client.close_code == 1006
        assert "SIGKILL" in program.read_until("starting another")
        program.read_until("listening on")
        say(found[alive][0], "still here", alive, found[alive])
        again = open_all(program, stack, 40)
        assert len(again) == 2 and dead not in again and alive in again


def test_all_are_said_goodbye(program: Program) -> None:
    with ExitStack() as stack:
        found = open_all(program, stack, 10)
        program.process.terminate()
        for client in (client for clients in found.values() for client in clients):
            with pytest.raises(ConnectionClosed):
                client.recv(PATIENCE)
            assert client.close_code == 1001
    program.wait()
    assert program.process.returncode == 0 and "Traceback" not in program.log, program.log
