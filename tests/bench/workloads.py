"""What the load generator asks for."""
from dataclasses import dataclass


@dataclass
class Workload:
    asks: str  # arguments of lg
    connections: int
    units: int  # in one run
    floor: str = ""  # arguments that make the floor answer alike
    size: int = 0  # bytes in a unit, where the body is what costs


# The floor does not parse: it answers once for each so many bytes received. Ports have five digits.
PIPELINED = len("GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:12345\r\n\r\n")

WORKLOADS = {
    "plain": Workload("", 64, 100_000),
    "hdr": Workload("-H", 64, 80_000),
    "pipe": Workload("-P 16", 64, 1_000_000, floor=f"-q {PIPELINED}"),
    "churn": Workload("-N", 32, 15_000),
    "json": Workload("-u /json -j", 64, 20_000),
    "get64k": Workload("-u /64k", 8, 30_000, floor="-b 65536", size=65_536),
    "get1m": Workload("-u /1m", 8, 4_000, floor="-b 1048576", size=1 << 20),
    "put1m": Workload("-u /upload -b 1048576", 8, 4_000, floor="-u 1048576", size=1 << 20),
}
