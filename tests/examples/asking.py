"""What the example programs that are clients must fetch: one table for all languages. They ask an example server of their own language."""
import shutil, socket, subprocess, tempfile
from dataclasses import dataclass
from pathlib import Path

from cases import LINES
from program import LIMIT, Failure, Running

USAGE = "usage: fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH..."


@dataclass
class Asking:
    what: str
    server: str  # the example that is asked
    paths: tuple
    says: str  # on standard error
    brings: bytes  # on standard output
    send: bytes | None = None


FETCH = [
    Asking("one path", "router", ("/hi/ada",), "200 /hi/ada\n", b"hi, ada\n"),
    Asking("several, in the order they were asked for", "router", ("/hi/a", "/nowhere", "/api/users/7", "/hi/b"),
           "200 /hi/a\n404 /nowhere\n200 /api/users/7\n200 /hi/b\n", b'hi, a\nNot Found{"id":7}hi, b\n'),
    Asking("many", "router", ("/hi/ada",) * 300, "200 /hi/ada\n" * 300, b"hi, ada\n" * 300),
    Asking("a file that is sent and comes back", "duplex", ("/echo", "/echo"), "200 /echo\n" * 2, LINES * 2, send=LINES),
    Asking("nothing that is sent", "upload", ("/upload",), "200 /upload\n", b"0 bytes, 0 lines\n", send=b""),
    Asking("a file that is counted", "upload", ("/upload",) * 3, "200 /upload\n" * 3, b"6000000 bytes, 400000 lines\n" * 3, send=LINES),
]


def told(command):
    if not shutil.which(command[0]):
        raise Failure(f"{command[0]} was not built")
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Failure(f"it did not end within {LIMIT} s") from None


def ask(command, port, wire, asking):
    with tempfile.NamedTemporaryFile() as file:
        words = [*command, *(["--http2"] if wire == "h2" else [])]
        if asking.send is not None:
            Path(file.name).write_bytes(asking.send)
            words += ["--send", file.name]
        done = told([*words, f"http://127.0.0.1:{port}", *asking.paths])
    if done.returncode:
        raise Failure(f"it ended with status {done.returncode}: {done.stderr[-500:]!r}")
    if done.stderr.decode() != asking.says:
        raise Failure(f"it said {done.stderr[-500:]!r}")
    if done.stdout != asking.brings:
        raise Failure(f"it brought {len(done.stdout)} bytes: {done.stdout[:80]!r}")


def refuse(command, words, says):
    """It has to end with status 1, and say this among other things on standard error."""
    done = told([*command, *words])
    if done.returncode != 1 or done.stdout or not done.stderr or says.encode() not in done.stderr:
        raise Failure(f"it ended with status {done.returncode}, said {done.stderr[-500:]!r} and brought {done.stdout[:80]!r}")


def nobody():
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


TALK_USAGE = "usage: talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]"


def talk(command, port, options, path, says, expected):
    """Says these lines, and is answered with those."""
    words = [*command, *options, f"ws://127.0.0.1:{port}{path}"]
    try:
        done = subprocess.run(words, input=says, capture_output=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Failure(f"it did not end within {LIMIT} s") from None
    if done.returncode or b"closed: 1000" not in done.stderr:
        raise Failure(f"it ended with status {done.returncode}: {done.stderr[-500:]!r}")
    if done.stdout != expected:
        raise Failure(f"it wrote {len(done.stdout)} bytes: {done.stdout[:80]!r}")


def run_talk(count, title, language):
    """Against the chat of the same language."""
    command = language.start("talk")
    count.step(f"{title}: without words", refuse, command, [], TALK_USAGE)
    count.step(f"{title}: nobody is there", refuse, command, [f"ws://127.0.0.1:{nobody()}/"], "")
    running = count.step(f"{title}: start of chat", Running, language.start("chat"), ("127.0.0.1:0",))
    if running is None:
        return
    try:
        for wire in ([], ["--http2"]):
            for options in (wire, [*wire, "--deflate"]):
                for says in (b"", b"hello\n", LINES[:300_000]):
                    count.step(f"{title} {options}: {len(says)} bytes", talk, command, running.port, options, "/", says, says)
        count.step(f"{title}: no such path", refuse, command, [f"ws://127.0.0.1:{running.port}/nowhere"], "404")
        count.step(f"{title}: the end of chat", running.end, "")
    finally:
        running.kill()


def run(count, title, language):
    command = language.start("fetch")
    count.step(f"{title}: without words", refuse, command, [], USAGE)
    count.step(f"{title}: nobody is there", refuse, command, [f"http://127.0.0.1:{nobody()}", "/"], "")
    for server in dict.fromkeys(asking.server for asking in FETCH):
        running = count.step(f"{title}: start of {server}", Running, language.start(server), ("127.0.0.1:0",))
        if running is None:
            continue
        try:
            for asking in (asking for asking in FETCH if asking.server == server):
                for wire in ("h1", "h2"):
                    count.step(f"{title}, {wire}: {asking.what}", ask, command, running.port, wire, asking)
            count.step(f"{title}: the end of {server}", running.end, "")
        finally:
            running.kill()
