"""An example that runs: started, asked, ended."""
import os, re, select, shutil, signal, subprocess, time
from email.utils import parsedate_to_datetime
from pathlib import Path

import talking
from client import Malformed

LIMIT = 20  # seconds for a start, an answer, an end


class Failure(Exception):
    pass


def listening_port(pid):
    """The TCP port that the process listens on, or None."""
    sockets = set()
    try:
        fds = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it has ended
        return None
    for fd in fds:
        try:
            sockets.add(os.readlink(fd))
        except OSError:  # it has just closed this one; the others still count
            pass
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = row.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
            return int(fields[1].rsplit(":", 1)[1], 16)
    return None


def until(condition, what):
    """Asks again and again: nothing tells a stranger when a process begins or ceases to listen."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise Failure(f"{what}: not within {LIMIT} s")


def matches(expected, found):
    """Names and values; an expected value may be a pattern."""
    return len(expected) == len(found) and all(
        name == key and (value.fullmatch(text) if isinstance(value, re.Pattern) else value == text)
        for (name, value), (key, text) in zip(expected, found))


def compare(case, answer, wire, asked):
    """Compares the whole answer with what the case says. It was asked for at this time: a long one may take minutes on a busy machine."""
    body = answer.body
    if answer.status != case.status:
        raise Failure(f"answered {answer.status}, not {case.status}; content {body[:80]!r}")
    dates = [value for name, value in answer.fields if name == "date"]
    if len(dates) != 1 or not asked - 60 < parsedate_to_datetime(dates[0]).timestamp() < time.time() + 60:
        raise Failure(f"Date is {dates}")
    found = sorted(pair for pair in answer.fields if pair[0] != "date")
    expected = wire.fields(case.expected_fields(body))
    if not matches(expected, found):
        raise Failure(f"the fields are {found}, not {expected}")
    interim = [(answer.status, dict(answer.fields)) for answer in answer.interim]
    if interim != case.interim:
        raise Failure(f"the interim answers are {interim}, not {case.interim}")
    if dict(answer.trailers) != case.trailers:
        raise Failure(f"the trailers are {answer.trailers}, not {case.trailers}")
    if callable(case.body):
        wrong = case.body(body)
    else:
        wrong = "" if body == case.body else f"it is {body[:80]!r}, not {case.body[:80]!r}"
    if wrong:
        raise Failure(f"the content: {wrong}")


def run_to_end(command, prints):
    """A program that ends by itself, with status 0."""
    if not shutil.which(command[0]):
        raise Failure(f"{command[0]} was not built")
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Failure(f"it did not end within {LIMIT} s") from None
    if done.returncode != 0 or done.stdout != prints:
        raise Failure(f"it ended with status {done.returncode} and said {done.stdout!r}")


class Running:
    """One program. What it prints is kept."""

    def __init__(self, command, arguments, wire=None):
        if not shutil.which(command[0]):
            raise Failure(f"{command[0]} was not built")
        self.asked = False
        options = wire.options if wire else ()
        self.process = subprocess.Popen([*command, *arguments, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            self.port = self.read_port(wire.says if wire else "listening on") if arguments else self.find_port()
        except Failure:
            self.kill()
            raise

    def read_port(self, says):
        """From the lines that the program prints, of which "listening on" is the last."""
        ports = {}
        while "listening on" not in ports:
            line = self.read_line()
            match = re.fullmatch(r"(also on|listening on) 127\.0\.0\.1:([1-9]\d*)\n", line)
            if not match:
                raise Failure(f"it said {line!r}, not where it listens")
            ports[match[1]] = int(match[2])
        if says not in ports:
            raise Failure(f"it did not say what it is {says}")
        return ports[says]

    def read_line(self):
        """A line, byte by byte, so that none waits in a buffer while the system says that nothing comes."""
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], LIMIT)
            part = os.read(self.process.stdout.fileno(), 1) if ready else b""
            if not part:
                break
            line += part
        return line.decode()

    def find_port(self):
        """From the system, for a program that prints nothing."""
        def look():
            if self.process.poll() is not None:
                raise Failure(f"it ended with status {self.process.returncode} before it listened")
            return listening_port(self.process.pid)
        return until(look, "it listens")

    def ask(self, case, wire):
        asked = time.time()
        try:
            with wire.client(self.port, LIMIT) as client:
                answer = client.ask(case)
        except (OSError, ValueError, Malformed) as error:
            raise Failure(f"{error!r}") from error
        compare(case, answer, wire, asked)

    def talk(self, talk):
        try:
            talk(self.port, LIMIT)
        except (OSError, ValueError, talking.Unexpected) as error:
            raise Failure(f"{error!r}") from error

    def hold_over_sigterm(self, case, wire):
        """The 100 says that the exchange runs, the closed port that the drain began: so nothing here depends on time."""
        asked = time.time()
        try:
            with wire.client(self.port, LIMIT) as client:
                steps = client.ask_in_two(case)
                interim = next(steps)
                if interim.status != 100:
                    raise Failure(f"answered {interim.status}, not 100")
                self.ask_to_end()
                until(lambda: listening_port(self.process.pid) is None, "it stops listening")
                if self.process.poll() is not None:
                    raise Failure(f"it ended with status {self.process.returncode} in the middle of an exchange")
                answer = next(steps)
                if not client.at_end():
                    raise Failure("the connection was not closed after the answer")
        except (OSError, ValueError, Malformed) as error:
            raise Failure(f"{error!r}") from error
        compare(case, answer, wire, asked)

    def ask_to_end(self):
        """Once: a second SIGTERM means "at once", and kills a program that has given its signals back."""
        if not self.asked:
            self.asked = True
            self.process.send_signal(signal.SIGTERM)

    def end(self, report):
        """It must end with status 0 and its report."""
        self.ask_to_end()
        try:
            printed, _ = self.process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            raise Failure(f"SIGTERM did not end it within {LIMIT} s") from None
        if self.process.returncode != 0:
            raise Failure(f"it ended with status {self.process.returncode}")
        if not re.fullmatch(report, printed):
            raise Failure(f"it said {printed!r} at its end")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
