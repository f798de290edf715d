"""Points the WebSocket client (examples/rust, talk) at servers of others. They answer each message with itself, and by path:

/           as it is                     /fragments  in fragments of seven bytes      /ping     behind a Ping of theirs
/close      with a Close, 4001 enough    /vanish     by cutting the connection        /refuse   no socket: 401 (hypercorn: 403)
"""
import os
import random
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import websocket_clients

HERE = Path(__file__).resolve().parent / "websocket"
TALK = Path("target/debug/talk")
LIMIT = 60  # seconds; nothing here takes more than two

# Words of all lengths up to beyond what a frame's short head tells, with signs of one to four bytes.
some = random.Random(6455)
LINES = ["".join(some.choices("abc \u00e9\u20ac\U0001f600", k=length)) for length in (*range(130), 4000, 70_000)]
MANY = [f"line {number}" for number in range(3000)]


def python(pair, cache):
    return [*websocket_clients.python(cache)[0][:1], HERE / "python_server.py", *pair], {}


def ws(pair, cache):
    return ["node", HERE / "ws_server.mjs", *pair], {"PEERS": str(websocket_clients.packages(cache))}


def hypercorn(pair, cache):
    return [*websocket_clients.python(cache)[0][:1], HERE / "hypercorn_server.py", *pair], {}


# Name: how it is started, whether it has sockets on HTTP/2, and the paths that it knows.
ALL = ("/", "/fragments", "/ping", "/close", "/vanish")
SERVERS = {"websockets": (python, False, ALL), "ws": (ws, False, ALL), "hypercorn": (hypercorn, True, ("/", "/close"))}


@dataclass
class Said:
    status: int | str
    brought: bytes
    told: str


def talk(options, uri, lines, closes=True):
    """Says the lines, waits for as much to come back, and then ends its input, so that the client closes; or keeps it open, when the server closes."""
    said = "".join(f"{line}\n" for line in lines).encode()
    with subprocess.Popen([TALK, *options, uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
        watch = threading.Timer(LIMIT, client.kill)
        watch.start()

        def write():
            try:
                client.stdin.write(said)
                client.stdin.flush()
            except BrokenPipeError:
                pass  # it has ended, as it says

        writer = threading.Thread(target=write)
        writer.start()
        brought = client.stdout.read(len(said)) if closes else client.stdout.read()
        writer.join()
        try:
            client.stdin.close()
        except BrokenPipeError:
            pass
        brought += client.stdout.read()
        told = client.stderr.read().decode(errors="replace")
        status = client.wait()
        watch.cancel()
    return Said(status, brought, told)


def cases(origin, http2, options, paths, refusal):
    """Yields (title, what is wrong or "")."""

    def judged(title, done, lines, status, says):
        if done.status != status or says not in done.told:
            return title, f"it ended with {done.status} and said {done.told[-300:]!r}"
        brought = "".join(f"{line}\n" for line in lines).encode()
        return title, "" if done.brought == brought else f"it brought {len(done.brought)} bytes, not {len(brought)}"

    wire = "Http2" if http2 else "Http11"
    yield judged("which HTTP", talk(options, f"{origin}/", []), [], 0, f"open: {wire} -")
    yield judged("a subprotocol", talk([*options, "--protocol", "v1"], f"{origin}/", ["a"]), ["a"], 0, f"open: {wire} v1")
    for path in (path for path in paths if path in ("/", "/fragments", "/ping")):
        for more in ([], ["--deflate"]):
            words = [*options, *more]
            # More than 100 Pings at once are too many.
            lines = LINES if path != "/ping" else LINES[::3]
            yield judged(f"lines at {path} {more}", talk(words, origin + path, lines), lines, 0, "closed: 1000")
            many = MANY if path != "/ping" else MANY[:50]
            yield judged(f"many at {path} {more}", talk(words, origin + path, many), many, 0, "closed: 1000")
    if "/vanish" in paths:
        yield judged("it vanishes", talk(options, f"{origin}/vanish", ["a"], closes=False), [], 1, "closed: 1006")
    yield judged("no socket", talk(options, f"{origin}/refuse", []), [], 1, f"answered with {refusal}")
    done = talk(options, f"{origin}/close", ["a"], closes=False)
    yield judged("it closes", done, [], 0, "closed: 4001: enough")


def ask(name, pair, cache, start):
    """Everything about one server, without TLS or with it."""
    begin, http2, paths = SERVERS[name]
    command, more = begin(pair, cache)
    server = start(command, dict(os.environ, **more))
    try:
        options = ["--ca", pair[0]] if pair else ["--http2"] if http2 else []
        origin = f"{'wss' if pair else 'ws'}://localhost:{server.port}"
        yield from cases(origin, http2, options, paths, 403 if name == "hypercorn" else 401)
    finally:
        server.stop()
