"""A server under test: how it is started, watched and stopped."""
import os, random, re, shlex, shutil, signal, socket, subprocess, tempfile, time
from pathlib import Path

from workloads import WORKLOADS

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
LAB = TOP / "target/bench"
BIN, FILES, RESULTS = LAB / "bin", LAB / "files", LAB / "results"

# name -> command; {port} {bin} {top} {files} {floor} {cert} {key} are filled in; words A=B before it are environment
SERVERS = {
    "floor": "{bin}/floor -p {port} {floor}",
    "flare": "{top}/target/showcase --port {port} --workers 1 --files {files}",
    "flare-uring": "{top}/target/showcase --port {port} --workers 1 --files {files} --io-uring",
    "now": "{top}/target/showcase --port {port} --workers 1 --files {files}",
    "mojo": "FLARE_LIBRARY={top}/target/lib/libflare.so {bin}/plain_mojo {port}",
    "hyper": "{bin}/peer_hyper {port}",
    "flare-tls": "{top}/target/showcase --port 0 --tls-port {port} --cert {cert} --key {key} --workers 1",
    "hyper-h2c": "{bin}/peer_hyper {port} h2",
    "hyper-tls": "{bin}/peer_hyper {port} h1 {cert} {key}",
    "hyper-h2": "{bin}/peer_hyper {port} h2 {cert} {key}",
    "flare-h3": "{top}/target/showcase --port 0 --tls-port {port} --cert {cert} --key {key} --workers 1",
    "h3quiche": "{bin}/peer_h3quiche {port} {cert} {key}",
    "h3quiche-gso": "{bin}/peer_h3quiche {port} {cert} {key} gso",
    "h3quinn": "{bin}/peer_h3quinn {port} {cert} {key}",
    "nghttpd": "nghttpd --no-tls -d {files} -n 1 -a 127.0.0.1 {port}",
    "actix": "{bin}/peer_actix {port}",
    "axum": "{bin}/peer_axum {port}",
    "may": "{bin}/peer_may {port}",
    "fastwebsockets": "{bin}/peer_ws {port} fast",
    "tungstenite": "{bin}/peer_ws {port} tungstenite",
    "go": "{bin}/peer_go {port}",
    "go-tls": "{bin}/peer_go {port} h1 {cert} {key}",
    "go-h2": "{bin}/peer_go {port} h2 {cert} {key}",
    "nginx": "nginx -c {dir}/nginx.conf",
    "nginx-h2c": "nginx -c {dir}/nginx.conf",
    "nginx-tls": "nginx -c {dir}/nginx.conf",
    "nginx-h2": "nginx -c {dir}/nginx.conf",
}


def environment():
    """Ours, with the folder where Debian keeps nginx, which is not in everybody's PATH."""
    return dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin")


def answers(port, udp=False):
    """Does anything listen on the port?"""
    if udp:
        tables = (path for path in map(Path, ("/proc/net/udp", "/proc/net/udp6")) if path.exists())
        return any(re.search(rf":{port:04X} 0+:0000 ", table.read_text()) for table in tables)
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """One server in its own session, pinned to a CPU. cpu() and rss() cover every process of the session."""

    def __init__(self, name, workload="plain", cpu=0, prefix=()):
        self.name, udp = name, WORKLOADS[workload].http3
        for _ in range(20):
            self.port = random.randrange(20000, 32000)
            if not answers(self.port) and not answers(self.port, udp=True):
                break
        self.dir = tempfile.mkdtemp(prefix="flare-bench-")
        os.chmod(self.dir, 0o755)
        text = SERVERS[name.split("@")[0]]
        if text.startswith("nginx"):
            self.configure_nginx(name.split("@")[0].removeprefix("nginx").removeprefix("-"))
        words = shlex.split(text.format(port=self.port, bin=BIN, top=TOP, dir=self.dir, files=FILES,
                                        cert=LAB / "cert.pem", key=LAB / "key.pem",
                                        floor=WORKLOADS[workload].floor))
        env = environment()
        while re.match(r"\w+=", words[0]):
            env.update([words.pop(0).split("=", 1)])
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(["taskset", "-c", str(cpu), *prefix, *words], env=env, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        for _ in range(1200):  # a minute: valgrind is slow to start
            up = answers(self.port, udp)
            if not up and self.process.poll() is not None:
                break
            time.sleep(0.05)
            if up:
                return
        self.log.seek(0)
        said = self.log.read()[-300:].decode("utf8", "replace")
        self.stop()
        raise RuntimeError(f"{name} did not start: {said}")

    def configure_nginx(self, wire):
        text = (HERE / "nginx.conf.in").read_text()
        wire = {"": "", "h2c": "http2", "tls": "ssl", "h2": "ssl http2"}[wire]
        for key, value in dict(PORT=self.port, DIR=self.dir, FILES=FILES, WIRE=wire, CERT=LAB / "cert.pem", KEY=LAB / "key.pem").items():
            text = text.replace(f"@{key}@", str(value))
        Path(self.dir, "nginx.conf").write_text(text)

    def pids(self):
        out = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    fields = Path("/proc", entry, "stat").read_text().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                if int(fields[3]) == self.process.pid and fields[0] != "Z":  # the session's id
                    out.append(int(entry))
        return out

    def cpu(self):
        """ns of CPU: the scheduler's clock of each process, threads that ended included."""
        return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in self.pids())

    def user_sys(self):
        """CPU ticks (10 ms) in user space and in the kernel."""
        user = system = 0
        for pid in self.pids():
            fields = Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        return user, system

    def rss(self):
        """Resident bytes."""
        status = (Path("/proc", str(pid), "status").read_text() for pid in self.pids())
        return sum(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) for text in status) * 1024

    def stop(self, patience=5):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for pid in {self.process.pid, *self.pids()} if self.process.poll() is None else self.pids():
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            if not self.pids():
                break
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
