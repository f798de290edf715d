#!/usr/bin/env python3
"""Measures servers by CPU time per request, beside a floor and known peers. See README.md."""
import argparse, json, os, random, re, resource, signal, statistics, subprocess, sys, time
from pathlib import Path

from check import check
from server import BIN, FILES, HERE, LAB, SERVERS, TOP, Server
from workloads import WORKLOADS

BATCH = ("chrt", "-b", "0")
PEERS = ("hyper", "actix", "axum", "may", "ws")
# Built only when asked for: they compile BoringSSL.
PEERS_H3 = ("h3lg", "peer_h3quiche", "peer_h3quinn")
RELAY = "flare-test-relay"


def build(options):
    """Compiles what is named: c, go, a peer, or h3. Without names everything but go and h3."""
    BIN.mkdir(parents=True, exist_ok=True)
    FILES.mkdir(exist_ok=True)
    for name, data in (("plaintext", b"Hello, World!"), ("64k", b"x" * 65536), ("1m", b"x" * (1 << 20))):
        (FILES / name).write_bytes(data)
    for what in options.what or ("c", *PEERS):
        if what == "c":
            steps = [["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                      "/CN=localhost", "-keyout", LAB / "key.pem", "-out", LAB / "cert.pem"],
                     ["cc", "-O2", "-Wall", "-o", BIN / "floor", HERE / "c/floor.c"],
                     ["cc", "-O2", "-Wall", "-o", BIN / "lg", HERE / "c/lg.c", "-lssl", "-lcrypto"],
                     ["cc", "-O2", "-Wall", "-o", BIN / "rate", HERE / "c/rate.c"]]
        elif what == "go":
            steps = [["go", "build", "-C", HERE / "peers-go", "-o", BIN / "peer_go", "."]]
        elif what in PEERS:
            out = LAB / "peers"
            steps = [["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", HERE / "peers/Cargo.toml",
                      "--target-dir", out, "-p", f"peer_{what}"],
                     ["cp", out / f"release/peer_{what}", BIN]]
        elif what == "h3":
            out = LAB / "peers-h3"
            steps = [["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", HERE / "peers-h3/Cargo.toml",
                      "--target-dir", out],
                     ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", TOP / "Cargo.toml", "--target-dir", out,
                      "-p", RELAY],
                     ["cp", *(out / "release" / name for name in (*PEERS_H3, RELAY)), BIN]]
        else:
            sys.exit(f"nothing to build is called {what}: c go {' '.join(PEERS)} h3")
        for step in steps:
            if subprocess.run(step).returncode:
                sys.exit(f"could not build {what}")


def client(name, workload, port, units, connections=0, lockstep=True):
    """The command of the load generator."""
    load = WORKLOADS[workload]
    if load.http3:
        path, streams, length = load.of(name)[0]
        return [BIN / "h3lg", "127.0.0.1", str(port), path, str(connections or load.connections), streams, str(units), length]
    if load.http2:
        return ["h2load", "-t", "1", "-c", str(connections or load.connections), "-n", str(units), *load.of(name)[0],
                f"{'https' if load.tls else 'http'}://127.0.0.1:{port}/plaintext"]
    return [BIN / "lg", "-p", str(port), "-c", str(connections or load.connections), "-n", str(units),
            *(["-L"] if lockstep else []), *load.of(name)[0]]


def ask(command, patience=300):
    """Runs the load generator; returns how many units were answered. Any wrong answer is an error."""
    run = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=patience)
    if run.returncode:
        raise RuntimeError(run.stderr[-300:].strip())
    if "h2load" in command:
        return answered(run.stdout, command)
    return int(run.stdout.split()[0])


def answered(text, command):
    """How many answers h2load got, all of them good."""
    wanted = int(command[command.index("-n") + 1])
    good = re.search(r"^status codes: (\d+) 2xx", text, re.M)
    if not good or int(good[1]) != wanted:
        raise RuntimeError(f"{wanted} requests, and h2load says:\n{text[-400:]}")
    return wanted


def measure(name, workload, units, o):
    """One server, one run: CPU microseconds per unit, in all, in user space, in the kernel."""
    share, began = o.budget / (o.r * len(o.s)), time.monotonic()
    with Server(name, workload, o.cpu, BATCH) as server:
        def go(count):
            return ask([*BATCH, "taskset", "-c", str(o.cpu), *client(name, workload, server.port, count, o.c)], max(60, 10 * share) if share else 300)
        check(name, WORKLOADS[workload], server.port)
        def cost(count):
            before = (server.cpu(), *server.user_sys())
            done = go(count)
            return done, [b - a for a, b in zip(before, (server.cpu(), *server.user_sys()))]
        begun = time.monotonic()
        few, cheap = cost(max(units // (50 if share else 5), 200))  # warm up
        if share:
            units = fitting(units, few, time.monotonic() - begun, share - (time.monotonic() - began))
        done, spent = cost(units)
        if WORKLOADS[workload].setup:
            done, spent = done - few, [b - a for a, b in zip(cheap, spent)]
        cpu, user, system = (one / done for one in spent)
        return dict(us=cpu / 1e3, user=user * 1e4, sys=system * 1e4, units=done)


def fitting(most, few, took, left):
    """How many units fit into the seconds that are left, by how long a few took. A slow server gets fewer: what is compared is the cost of one."""
    return max(min(most, int(few * left / took)), 2 * few)


def lock(o):
    """Client and server share one CPU under SCHED_BATCH, so neither preempts the other: the server always finds a full
    batch of ready connections. What counts is the server's CPU time per unit, as a ratio to the reference (the first
    server of the list) in the same round. With a budget, runs get the time that is their share of it, and no round begins that would pass it."""
    units, began = o.n or WORKLOADS[o.l].units, time.monotonic()
    results = {name: [] for name in o.s}
    for number in range(o.r):
        if o.budget and number and (time.monotonic() - began) * (number + 1) / number > o.budget * 1.1:
            print(f"{number} of {o.r} rounds: the time is up", file=sys.stderr, flush=True)
            break
        for name in random.sample(o.s, len(o.s)):
            try:
                result = measure(name, o.l, units, o)
            except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
                print(f"!! {name}: {error}", file=sys.stderr)
                result = None
            results[name].append(result)
        print(f"round {number + 1}/{o.r}, load average {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    table(o, units, results)
    if o.o:
        Path(o.o).write_text(json.dumps(dict(workload=o.l, units=units, reference=o.s[0], results=results), indent=1) + "\n")


def table(o, units, results):
    """Prints medians, and the ratios to the reference round by round."""
    size, median = WORKLOADS[o.l].size, statistics.median
    print(f"\n{o.l}: server CPU per unit, {len(results[o.s[0]])} rounds of {'up to ' if o.budget else ''}{units}\n{'server':18}{'median us':>10}{'min':>9}{'user':>8}{'sys':>8}"
          f"{'ratio':>8}{'[min - max]':>16}{'units/CPU s':>13}{'  ns/byte' if size else ''}")
    for name in o.s:
        good = [x for x in results[name] if x]
        if not good:
            print(f"{name:18} no data")
            continue
        ratios = [x["us"] / base["us"] for x, base in zip(results[name], results[o.s[0]]) if x and base] or [float("nan")]
        us = median([x["us"] for x in good])
        print(f"{name:18}{us:10.2f}{min(x['us'] for x in good):9.2f}{median([x['user'] for x in good]):8.2f}"
              f"{median([x['sys'] for x in good]):8.2f}{median(ratios):8.3f}{min(ratios):9.3f} -{max(ratios):6.3f}{1e6 / us:13.0f}"
              + (f"{us * 1e3 / size:9.3f}" if size else ""), flush=True)


def cg(o):
    """User instructions per unit: the difference of two runs under callgrind. Exact to about 1 %, whatever the machine does."""
    rows = {}
    for name in o.s:
        counts = []
        for units in (2000, 8000):
            out = LAB / f"callgrind.{units}"
            out.unlink(missing_ok=True)
            with Server(name, o.l, o.cpu, ("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}")) as server:
                done = ask(client(name, o.l, server.port, units, o.c))
                server.stop(60)
            total = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.M) if out.exists() else None
            counts.append((done, int(total[1]) if total else 0))
        (units0, total0), (units1, total1) = counts
        if not total0 or not total1:
            print(f"{name:18}{o.l:10} no count: it did not end by SIGTERM")
            continue
        rows[name] = (total1 - total0) / (units1 - units0)
        print(f"{name:18}{o.l:10}{rows[name]:10.0f} user instructions per unit", flush=True)
    save(o, rows)


def strace(o):
    """System calls per unit under saturation."""
    rows = {}
    for name in o.s:
        out = LAB / "strace.out"
        with Server(name, o.l, o.cpu) as server:
            pids = [word for pid in server.pids() for word in ("-p", str(pid))]
            tracer = subprocess.Popen(["strace", "-c", "-f", *pids, "-o", str(out)], stderr=subprocess.PIPE, text=True)
            for _ in range(len(pids) // 2):
                tracer.stderr.readline()  # "Process N attached"
            done = ask(client(name, o.l, server.port, o.n or 20000, o.c))
            tracer.send_signal(signal.SIGINT)
            tracer.communicate()
        lines = [line.split() for line in out.read_text().splitlines()]
        calls = [(w[-1], int(w[3]) / done) for w in lines if len(w) > 4 and w[0][0].isdigit() and w[3].isdigit() and w[-1] != "total"]
        rows[name] = sum(count for _, count in calls)
        most = " ".join(f"{call}={count:.3f}" for call, count in sorted(calls, key=lambda x: -x[1]) if count > 0.002)
        print(f"{name:18}{o.l:10}{rows[name]:10.3f} system calls per unit: {most}", flush=True)
    save(o, rows)


def mem(o):
    """Resident bytes per idle keep-alive connection that has served one request (the server's user space only)."""
    rows, total = {}, o.n or 10000
    for name in o.s:
        held = []

        def hold(count):
            held.append(subprocess.Popen(holding(o.l, name, server.port, count), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True))
            if held[-1].stdout.readline().strip() != "ready":
                raise RuntimeError(held[-1].stderr.read())
            time.sleep(1)  # for what the server does after its last answer
            return server.rss()

        try:
            with Server(name, o.l, o.cpu) as server:
                start = server.rss()
                try:
                    few, many = hold(100), hold(total - 100)
                finally:
                    for process in held:
                        process.stdin.close()
                        process.wait(20)
        except (RuntimeError, OSError) as error:
            print(f"!! {name}: {error}", file=sys.stderr)
            continue
        rows[name] = (many - few) / (total - 100)
        print(f"{name:18} RSS start {start / 2**20:7.1f} MiB, {total} idle {many / 2**20:7.1f} MiB, per connection {rows[name]:8.0f} B", flush=True)
    save(o, rows)


def loss(o):
    """Throughput of HTTP/3 over a path that delays every datagram and loses some. Not CPU: what the congestion control makes of it."""
    if not WORKLOADS[o.l].http3:
        sys.exit(f"the relay is for HTTP/3, and {o.l} is none")
    units, size = o.n or 80, WORKLOADS[o.l].size
    rates = {name: [] for name in o.s}
    for number in range(o.r):
        for name in random.sample(o.s, len(o.s)):
            try:
                with Server(name, o.l, o.cpu) as server, Relay(server.port, o.loss, o.delay, number + 1) as relay:
                    begin = time.monotonic()
                    done = ask(client(name, o.l, relay.port, units, o.c))
                    rates[name].append(done * size / (time.monotonic() - begin) / 2**20)
            except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
                print(f"!! {name}: {error}", file=sys.stderr)
                rates[name].append(None)
        print(f"round {number + 1}/{o.r}", file=sys.stderr, flush=True)
    print(f"\n{o.l} at {o.loss:.1%} loss and {o.delay} ms each way: {o.r} rounds of {units}\n{'server':18}{'MiB/s':>10}{'ratio':>8}{'[min - max]':>16}")
    for name in o.s:
        ratios = [rate / base for rate, base in zip(rates[name], rates[o.s[0]]) if rate and base] or [float("nan")]
        good = [rate for rate in rates[name] if rate] or [float("nan")]
        print(f"{name:18}{statistics.median(good):10.2f}{statistics.median(ratios):8.3f}{min(ratios):9.3f} -{max(ratios):6.3f}")
    save(o, rates)


class Relay:
    """tests/relay before a server: it delays and loses in both directions, as the seed says."""

    def __init__(self, port, loss, delay, seed):
        words = [BIN / RELAY, "--to", f"127.0.0.1:{port}", "--loss", str(loss), "--delay", str(delay), "--seed", str(seed)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # the end of its input ends it
        self.process.wait(10)


def rate(o):
    """How long answers take at a fixed rate of requests, which does not wait for answers. Client and server have a CPU of their own."""
    results = {name: [] for name in o.s}
    other = next((cpu for cpu in sorted(os.sched_getaffinity(0)) if cpu != o.cpu), o.cpu)
    words, expected = WORKLOADS[o.l].of(o.s[0])
    path = words[words.index("-u") + 1] if "-u" in words else "/plaintext"
    for number in range(o.r):
        for name in random.sample(o.s, len(o.s)):
            try:
                with Server(name, o.l, o.cpu) as server:
                    check(name, WORKLOADS[o.l], server.port)
                    command = ["taskset", "-c", str(other), BIN / "rate", "-p", server.port, "-r", o.rate, "-d", o.seconds, "-c", o.c or 64, "-u", path, "-l", len(expected)]
                    run = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
                    if run.returncode:
                        raise RuntimeError(run.stderr[-300:].strip())
                    parts = [float(word.rstrip(",")) for word in run.stdout.split()]
                    results[name].append(dict(zip(("answers", "p50", "p90", "p99", "p999", "longest", "late50", "late99"), parts)))
            except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
                print(f"!! {name}: {error}", file=sys.stderr)
                results[name].append(None)
        print(f"round {number + 1}/{o.r}, load average {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    print(f"\n{o.l} at {o.rate} requests each second: microseconds from when a request is meant to be sent, medians of {o.r} rounds of {o.seconds:g} s\n"
          f"{'server':18}{'50 %':>9}{'90 %':>9}{'99 %':>9}{'99.9 %':>10}{'longest':>10}{'sent late: 50 %':>17}{'99 %':>9}")
    for name in o.s:
        good = [one for one in results[name] if one]
        if not good:
            print(f"{name:18} no data")
            continue
        middle = {part: statistics.median(one[part] for one in good) for part in good[0]}
        print(f"{name:18}{middle['p50']:9.0f}{middle['p90']:9.0f}{middle['p99']:9.0f}{middle['p999']:10.0f}{middle['longest']:10.0f}{middle['late50']:17.0f}{middle['late99']:9.0f}")
    if o.o:
        Path(o.o).write_text(json.dumps(dict(workload=o.l, rate=o.rate, seconds=o.seconds, reference=o.s[0], results=results), indent=1) + "\n")


def holding(workload, name, port, count):
    """The command that asks once on each of so many connections, says "ready" and keeps them."""
    if WORKLOADS[workload].http3:
        path, _, length = WORKLOADS[workload].of(name)[0]
        return [str(BIN / "h3lg"), "127.0.0.1", str(port), path, str(count), "1", str(count), length, "hold"]
    return [str(BIN / "lg"), "-p", str(port), "-c", str(count), "-I", *WORKLOADS[workload].of(name)[0]]


def smoke(o):
    """Starts each server and runs a few units of the workload."""
    for name in o.s:
        try:
            with Server(name, o.l, o.cpu) as server:
                check(name, WORKLOADS[o.l], server.port)
                ask(client(name, o.l, server.port, 256, o.c))
            print(f"{name:18}ok", flush=True)
        except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
            print(f"{name:18}FAILED {error}", flush=True)


def save(o, rows):
    if o.o:
        Path(o.o).write_text(json.dumps(dict(workload=o.l, results=rows), indent=1) + "\n")


def add_servers(words):
    """Names of the list, after the servers that are given by command are made known."""
    names = []
    for word in words:
        given = re.match(r"([\w.-]+)=(.+\{port\}.*)", word)
        if given:
            SERVERS[given[1]] = given[2]
        names += [given[1]] if given else word.split(",")
    for name in names:
        if name.split("@")[0] not in SERVERS:
            sys.exit(f"unknown server {name}; known: {' '.join(SERVERS)}")
    return names


def main():
    modes = dict(build=build, smoke=smoke, lock=lock, cg=cg, strace=strace, mem=mem, loss=loss, rate=rate)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=[*modes, "list"])
    parser.add_argument("what", nargs="*", help=f"build: any of c go {' '.join(PEERS)} h3")
    parser.add_argument("-s", action="append", default=[], help="servers: a,b,c (a@2 is a second copy of a) or 'name=[VAR=x] command {port}'; may be repeated")
    parser.add_argument("-l", default="plain", choices=list(WORKLOADS), help="workload")
    parser.add_argument("-r", type=int, default=5, help="rounds")
    parser.add_argument("-n", type=int, default=0, help="units per run (mem: connections)")
    parser.add_argument("-c", type=int, default=0, help="connections")
    parser.add_argument("--loss", type=float, default=0.01, help="loss: the share of datagrams that is lost each way")
    parser.add_argument("--delay", type=int, default=5, help="loss: milliseconds that each datagram takes each way")
    parser.add_argument("--budget", type=float, default=0, help="lock: seconds that all rounds may take, about; 0: as long as they need")
    parser.add_argument("--rate", type=int, default=10_000, help="rate: requests each second")
    parser.add_argument("--seconds", type=float, default=5, help="rate: how long each run takes")
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("-o", help="write the results as JSON")
    o = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if o.mode == "list":
        return print("servers: " + " ".join(SERVERS) + "\nworkloads: " + " ".join(WORKLOADS))
    o.s = add_servers(o.s or ["floor,hyper"])
    modes[o.mode](o)


if __name__ == "__main__":
    main()
