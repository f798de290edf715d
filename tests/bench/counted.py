"""User instructions of the demo server for each request of a mix, by callgrind."""
import os, re, signal, subprocess
from pathlib import Path

from mixes import MIXES, PATIENCE, Wrong, asking

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
GATE = TOP / "target/gate"
LIMIT = 2.0  # percent
# Units that are asked before those that are counted.
WARM_UP, UNITS = 100, 500


class Uncounted(Exception):
    """A server that did not start, answered wrongly, or did not end; or a bug that could not be planted."""


def start(program, out, tls, preload):
    """The server under callgrind, which does not count yet, and the port to ask."""
    environment = dict(os.environ, LD_PRELOAD=str(preload)) if preload else None
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}", program, "--port", "0", "--workers", "1"]
    if tls:
        command += ["--tls-port", "0", "--cert", GATE / "cert.pem", "--key", GATE / "key.pem"]
    server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = None
    for line in server.stdout:
        port = port or re.match(r"also on .*:(\d+)$" if tls else r"listening on .*:(\d+)$", line)
        if line.startswith("listening on "):
            break
    if not port:
        server.kill()
        server.wait()
        raise Uncounted(f"{program} did not say where it listens")
    return server, int(port[1])


def tell(server, *words):
    """A command to callgrind, while the server waits."""
    run = subprocess.run(["vgdb", f"--pid={server.pid}", *words], capture_output=True, text=True, timeout=PATIENCE)
    if run.returncode:
        raise Uncounted(f"vgdb: {run.stderr}")


def instructions(program, mix, preload=None):
    """User instructions for each request."""
    out = GATE / f"callgrind.{os.getpid()}.out"
    server = None
    try:
        server, port = start(program, out, MIXES[mix][2], preload)
        with asking(mix, port) as ask:
            for _ in range(WARM_UP):
                ask()
            tell(server, "instrumentation", "on")
            for _ in range(UNITS):
                ask()
            tell(server, "dump")
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=PATIENCE)
    except (Wrong, OSError, subprocess.TimeoutExpired) as error:
        raise Uncounted(f"{mix}: {error!r}") from error
    finally:
        if server:
            server.kill()
            server.wait()
        dumped = Path(f"{out}.1")
        total = re.search(r"^(?:totals|summary): (\d+)", dumped.read_text(), re.M) if dumped.exists() else None
        for written in GATE.glob(out.name + "*"):
            written.unlink()
    if server.returncode or not total or not int(total[1]):
        raise Uncounted(f"{mix}: the server ended with {server.returncode} and without a count")
    return int(total[1]) / (UNITS * MIXES[mix][1])


def compare(base, program, mixes, limit=LIMIT, preload=None):
    """Prints both counts of each mix. Lines that say what grew by more than the limit, in percent."""
    grown = []
    print(f"{'mix':12}{'before':>10}{'now':>10}{'change':>10}")
    for mix in mixes:
        before, now = instructions(base, mix), instructions(program, mix, preload)
        change = (now / before - 1) * 100
        print(f"{mix:12}{before:10.0f}{now:10.0f}{change:+9.2f} %{' !' if change > limit else ''}", flush=True)
        if change > limit:
            grown.append(f"{mix} takes {now:.0f} instructions instead of {before:.0f}: {change:+.2f} %, and {limit:g} % are allowed")
    return grown


def prepare():
    """The folder for what is written, and a certificate: to make one takes another number of instructions each time."""
    GATE.mkdir(parents=True, exist_ok=True)
    if not (GATE / "cert.pem").exists():
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", "/CN=localhost"]
        made = subprocess.run([*command, "-keyout", GATE / "key.pem", "-out", GATE / "cert.pem"], capture_output=True, text=True)
        if made.returncode:
            raise Uncounted(f"no certificate: {made.stderr}")


def planted():
    """A library that is loaded before libc, and burns instructions with each wait for events."""
    library = GATE / "planted.so"
    if subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", library, HERE / "c/planted.c", "-ldl"]).returncode:
        raise Uncounted("the slow-down could not be compiled")
    return library
