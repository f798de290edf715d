"""Asks the demo server with HTTP/3 clients of others: quinn with h3, quiche with its own, that of ngtcp2, and aioquic for datagrams."""
import json
import random
import re
import select
import socket
import subprocess
import tempfile
from pathlib import Path

from cases import CASES
from clients import Missing, need, python_of_aioquic, quiche

HERE = Path(__file__).resolve().parent
LIMIT = 120  # seconds for one client


def free_port_of_both():
    """A port that nobody has at the moment, neither of UDP nor of TCP."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as found, socket.socket() as other:
            found.bind(("127.0.0.1", 0))
            try:
                other.bind(found.getsockname())
            except OSError:
                continue
            return str(found.getsockname()[1])


class Showcase:
    """The demo server, with a certificate of its own and a second port that always sends Retry."""

    def __enter__(self):
        self.place = tempfile.TemporaryDirectory()
        self.folder = Path(self.place.name)
        self.certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        make = ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
                " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE")
        subprocess.run([*make.split(), "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        self.retry_port = free_port_of_both()
        command = ["target/showcase", "--port", "0", "--tls-port", "0", "--retry-port", self.retry_port, "--cert", self.certificate,
                   "--key", key, "--workers", "2"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        select.select([self.process.stdout], [], [], 20)
        said = self.process.stdout.readline()
        found = re.fullmatch(r"also on 127\.0\.0\.1:(\d+)\n", said)
        if not found:
            self.__exit__()
            raise Missing(f"showcase said {said!r}, not where it listens")
        self.port = found[1]
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.place.cleanup()


# ---- all cases at once on one connection

def all_at_once(name, program, server):
    """What a program does that prints the answers to CASES: at first, and after a Retry."""
    cases = server.folder / "cases.json"
    cases.write_text(json.dumps(CASES))
    for port, how in ((server.port, ""), (server.retry_port, ", after a Retry")):
        command = [*program, f"https://127.0.0.1:{port}", cases, server.certificate]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        if done.returncode:
            yield f"{name}{how}", f"it ended with status {done.returncode}: {done.stderr[-2000:]}"
            continue
        answers = json.loads(done.stdout)
        if len(answers) != len(CASES):
            yield f"{name}{how}", f"{len(answers)} answers to {len(CASES)} cases"
        for case, (status, digest, _) in zip(CASES, answers):
            title = f"{name}{how}: {case['method']} {case['path']} {case['send'] or ''}"
            if status != case["status"]:
                yield title, f"answered {status}, not {case['status']}"
            else:
                yield title, "" if case["digest"] in (None, digest) else f"the content is another: {digest}"


def quinn(cache, server):
    """quinn and h3."""
    need("cargo")
    target = cache / "quinn"
    build = ["cargo", "build", "--quiet", "--locked", "--manifest-path", HERE / "quinn_client/Cargo.toml", "--target-dir", target]
    subprocess.run(build, check=True)
    return all_at_once("quinn", [target / "debug/quinn_client"], server)


def quiche_alone(_, server):
    """quiche and its own HTTP/3."""
    return all_at_once("quiche", [quiche(), "client"], server)


# ---- ngtcp2

SUITES = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:"


def ngtcp2(_, server):
    """What its example client can be told to do, one connection each. It says nothing of statuses; what it saves has to be right."""
    need("gtlsclient")
    sent = server.folder / "sent"
    sent.write_bytes(random.Random(9000).randbytes(1_500_000))
    session = ["--session-file", server.folder / "session", "--tp-file", server.folder / "transport"]
    tls = r"TLSv1\.3 TLS_AES_128_GCM_SHA256 name=localhost alpn=h3 certificate=0 early=0\n"
    later = r"answered after 300 ms\n"

    def ask(title, expected, path, *options, port=server.port):
        """`expected`: the content, or a pattern for it, or its length."""
        folder = server.folder / "saved"
        folder.mkdir(exist_ok=True)
        saved = folder / path.rpartition("/")[2]
        saved.unlink(missing_ok=True)
        command = ["gtlsclient", "--quiet", "--exit-on-all-streams-close", "--download", folder, *options, "127.0.0.1", port,
                   f"https://127.0.0.1:{port}{path}"]
        title = f"ngtcp2: {title}"
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return title, "it does not end"
        if not saved.exists():
            return title, f"nothing came (status {done.returncode}): {done.stderr[-500:]}"
        content = saved.read_bytes()
        if isinstance(expected, int):
            good = len(content) == expected
        elif isinstance(expected, bytes):
            good = content == expected
        else:
            good = re.fullmatch(expected, content.decode(errors="replace"))
        return title, "" if good else f"{len(content)} bytes came: {content[:100]!r}"

    yield ask("a request", tls, "/tls")
    yield ask("a stream", b"".join(b"chunk %d\n" % number for number in range(1, 201)), "/stream/200")
    yield ask("3 MB", 3_000_000, "/bytes/3000000")
    yield ask("an echo", sent.read_bytes(), "/echo", "--http-method", "POST", "--data", sent)
    yield ask("after a Retry", tls, "/tls", port=server.retry_port)
    # Not its default of 18 bytes.
    yield ask("after a Retry, with a short ID of its own", tls, "/tls", "--dcid=0x0102030405060708", port=server.retry_port)
    yield ask("after version negotiation", tls, "/tls", "--version=0x1a2a3a4a", "--preferred-versions=v1")
    yield ask("after a HelloRetryRequest", tls, "/tls", "--groups=-GROUP-ALL:+GROUP-SECP384R1")
    yield ask("with ChaCha20", tls.replace("AES_128_GCM", "CHACHA20_POLY1305"), "/tls", f"--ciphers={SUITES}+CHACHA20-POLY1305")
    yield ask("with AES-256", tls.replace("AES_128_GCM_SHA256", "AES_256_GCM_SHA384"), "/tls", f"--ciphers={SUITES}+AES-256-GCM")
    yield ask("a key update", later, "/later/300", "--key-update=50ms")
    yield ask("from another address", later, "/later/300", "--change-local-addr=50ms")
    yield ask("behind a NAT that forgets", later, "/later/300", "--change-local-addr=50ms", "--nat-rebinding", "--delay-stream=150ms")
    yield ask("3 MB, of which some is lost", 3_000_000, "/bytes/3000000", "--rx-loss=0.03", "--tx-loss=0.03")
    yield ask("small windows", 3_000_000, "/bytes/3000000", "--max-data=20K", "--max-stream-data-bidi-local=10K", "--max-window=0", "--max-stream-window=0")
    yield ask("the first time", tls, "/tls", *session)
    yield ask("again, with early data", tls.replace("early=0", "early=1"), "/tls", *session)


# ---- aioquic

def aioquic(cache, server):
    """Datagrams of requests (RFC 9297)."""
    command = [python_of_aioquic(cache), HERE / "aioquic_client.py", server.port]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    if done.returncode:
        yield "aioquic", f"it ended with status {done.returncode}: {done.stderr[-2000:]}"
        return
    for title, wrong in json.loads(done.stdout):
        yield f"aioquic: {title}", wrong


CLIENTS = {"quinn": quinn, "quiche": quiche_alone, "ngtcp2": ngtcp2, "aioquic": aioquic}


def ask(name, cache):
    """Yields (title, what is wrong or "")."""
    with Showcase() as server:
        yield from CLIENTS[name](cache, server)
