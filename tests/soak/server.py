"""The server that is loaded, as a process, and what the system says of it."""
import os, re, select, signal, subprocess

PATIENCE = 30
PAGE = os.sysconf("SC_PAGE_SIZE")


class Showcase:
    def __init__(self, program, files, upstream, mux, planted=None):
        """`planted`: a library that makes it leak, and what."""
        environment = dict(os.environ)
        if planted:
            environment.update(LD_PRELOAD=planted[0], PLANTED=planted[1])
        command = [program, "--port", "0", "--tls-port", "0", "--workers", "2", "--files", files, "--upstream", f"unix:{upstream}", "--mux", f"unix:{mux}"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        # It says the ports in one write.
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        said = os.read(self.process.stdout.fileno(), 4096).decode() if ready else ""
        found = re.fullmatch(r"also on \S+:(\d+)\nlistening on \S+:(\d+)\n", said)
        if not found:
            self.process.kill()
            raise SystemExit(f"soak: the server said {said!r} instead of where it listens")
        self.tls_port, self.port = int(found[1]), int(found[2])

    def memory(self):
        """Resident, in MiB."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * PAGE / (1 << 20)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self):
        """Drains it by a signal. What it said at the end, and whether it ended well."""
        self.process.send_signal(signal.SIGTERM)
        try:
            said, _ = self.process.communicate(timeout=PATIENCE + 10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "it did not end", False
        return said.strip(), self.process.returncode == 0
