"""Asks the demo server with WebSocket clients of others, without and with TLS."""
import json
import os
import re
import select
import subprocess
import sys
import tempfile
from pathlib import Path

from clients import Missing, need

HERE = Path(__file__).resolve().parent / "websocket"
sys.path.insert(0, str(HERE))
from websocket_cases import CASES  # noqa: E402

LIMIT = 120  # seconds for one client


def packages(cache):
    """What the clients in Node need, installed once."""
    need("node")
    need("npm")
    place, lock = cache / "websocket-node", (HERE / "package-lock.json").read_bytes()
    mark = place / ".installed"
    if not mark.exists() or mark.read_bytes() != lock:
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            (place / name).write_bytes((HERE / name).read_bytes())
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=place, check=True)
        mark.write_bytes(lock)
    return place


def python(cache):
    place, wanted = cache / "websocket-python", (HERE / "requirements.txt").read_text()
    mark = place / ".installed"
    if not mark.exists() or mark.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        mark.write_text(wanted)
    return [place / "bin/python", HERE / "python_client.py"], {}


def ws(cache):
    return ["node", HERE / "ws_client.mjs"], {"PEERS": str(packages(cache))}


def undici(cache):
    return ["node", HERE / "undici_client.mjs"], {"PEERS": str(packages(cache))}


CLIENTS = {"websockets": python, "ws": ws, "undici": undici}


class Showcase:
    """The demo server, on one port without TLS and one with it."""

    def __enter__(self):
        command = ["target/showcase", "--port", "0", "--tls-port", "0", "--workers", "2"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            self.addresses = self.read_addresses()
        except Missing:
            self.__exit__()
            raise
        return self

    def read_addresses(self):
        """Both lines come at once, the last of them when it serves."""
        select.select([self.process.stdout], [], [], 20)
        said = self.process.stdout.readline() + self.process.stdout.readline()
        found = re.fullmatch(r"also on 127\.0\.0\.1:(\d+)\nlistening on 127\.0\.0\.1:(\d+)\n", said)
        if not found:
            raise Missing(f"showcase said {said!r}, not where it listens")
        return {"ws": found[2], "wss": found[1]}

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def judge(name, scheme, results):
    """Yields (title, what is wrong or "")."""
    if len(results) != len(CASES):
        yield f"{name}, {scheme}", f"{len(results)} results of {len(CASES)} cases"
        return
    for case, result in zip(CASES, results):
        expected = case["but"].get(name, case["expected"])
        told = {key: value for key, value in case.items() if key not in ("do", "expected", "but")}
        yield f"{name}, {scheme}: {case['do']} {told}", "" if result == expected else f"it came to {result!r}, not {expected!r}"


def ask(name, cache):
    """Everything that one client has to say: pairs as of `judge`."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as cases, Showcase() as server:
        json.dump(CASES, cases)
        cases.flush()
        command, more = CLIENTS[name](cache)
        for scheme, port in server.addresses.items():
            done = subprocess.run([*command, f"{scheme}://127.0.0.1:{port}", cases.name], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=LIMIT, env=dict(os.environ, **more))
            if done.returncode:
                yield f"{name}, {scheme}", f"it ended with status {done.returncode}: {done.stderr[-2000:]}"
            else:
                yield from judge(name, scheme, json.loads(done.stdout))
