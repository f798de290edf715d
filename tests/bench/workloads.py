"""What the load generator asks for, and what comes back."""
from dataclasses import dataclass, field


@dataclass
class Workload:
    asks: str  # arguments of lg, or of h2load
    connections: int
    units: int  # in one run
    floor: str = ""  # arguments that make the floor answer alike
    size: int = 0  # bytes in a unit, where the body is what costs
    answer: bytes = b""  # the content of each answer, compared once for each start; the load generators check status and length of them all
    answer_of: dict = field(default_factory=dict)  # the same of some servers
    asks_of: dict = field(default_factory=dict)  # what some servers are asked instead

    setup: bool = False  # opening the connections costs so much that it is taken off

    tls: bool = False
    http2: bool = False  # h2load asks, which is a closed loop and not in lockstep
    http3: bool = False  # h3lg asks, which is one too: path, streams of each connection, bytes of each answer

    def of(self, server):
        """What this server is asked, and the content that it must answer."""
        name = server.split("@")[0]
        return self.asks_of.get(name, self.asks).split(), self.answer_of.get(name, self.answer)


# The floor does not parse: it answers once for each so many bytes received. Ports have five digits.
PIPELINED = len("GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:12345\r\n\r\n")

HELLO = b"Hello, World!"
SMALL, LARGE = b"x" * 65_536, b"x" * (1 << 20)
SUMMED = b"%d bytes, sum %016x\n" % (len(LARGE), int.from_bytes(LARGE[:8], "little") * (len(LARGE) // 8) % (1 << 64))

WORKLOADS = {
    "plain": Workload("", 64, 100_000, answer=HELLO),
    "plain10k": Workload("", 10_000, 200_000, answer=HELLO),
    "hdr": Workload("-H", 64, 80_000, answer=HELLO),
    "pipe": Workload("-P 16", 64, 1_000_000, floor=f"-q {PIPELINED}", answer=HELLO),
    "churn": Workload("-N", 32, 15_000, answer=HELLO),
    "json": Workload("-u /json -j", 64, 20_000),
    "get64k": Workload("-u /64k", 8, 30_000, floor="-b 65536", size=len(SMALL), answer=SMALL),
    "get1m": Workload("-u /1m", 8, 4_000, floor="-b 1048576", size=len(LARGE), answer=LARGE),
    "put1m": Workload("-u /upload -b 1048576", 8, 4_000, floor="-u 1048576", size=len(LARGE), answer=b"%013d" % len(LARGE),
                      answer_of={"flare": SUMMED, "floor": HELLO}),
    "files64k": Workload("-u /files/64k", 8, 30_000, floor="-b 65536", size=len(SMALL), answer=SMALL),
    "files1m": Workload("-u /files/1m", 8, 4_000, floor="-b 1048576", size=len(LARGE), answer=LARGE),
    "h2c": Workload("-m 32", 8, 100_000, http2=True),
    "h2": Workload("-m 32", 8, 80_000, http2=True, tls=True),
    "h3": Workload("/plaintext 32 13", 8, 200_000, tls=True, http3=True),
    "h3-get1m": Workload("/1m 1 1048576", 8, 600, size=1 << 20, tls=True, http3=True),
    "tls": Workload("-T", 64, 80_000, answer=HELLO, tls=True),
    "tls-full": Workload("-T -N", 32, 4_000, answer=HELLO, tls=True),
    "tls-resume": Workload("-T -N -R", 32, 6_000, answer=HELLO, tls=True),
    "tls-get1m": Workload("-T -u /1m", 8, 1_500, size=1 << 20, answer=LARGE, tls=True),
    # An answer from another thread. "now" is the same server, asked for one that its handler gives at once.
    "later": Workload("-u /later/0", 64, 50_000, answer_of={"flare": b"answered after 0 ms\n", "now": b"hi, 0\n"},
                      asks_of={"now": "-u /hi/0"}),
    # The echo of one binary message in one frame.
    "ws16": Workload("-W 16", 64, 100_000, floor="-x -q 22 -b 18"),
    # One message of 1 KiB to all of 10,000 connections of one worker. A unit is one delivery.
    "broadcast": Workload("-W 1024 -A -u /chat", 10_000, 600_000, floor="-x -a -q 1032 -b 1028", setup=True),
    "ws64k": Workload("-W 65536", 64, 6_000, floor="-x -q 65550 -b 65546", size=len(SMALL)),
}
