"""100,000 requests, and the memory of the server stays where it is."""
import re
import unittest
from pathlib import Path

from cases import Case
from client import Client, request
from program import Running

LIMIT = 60
REQUESTS, WARM, BATCH = 100_000, 20_000, 100
MOST = 512 * 1024  # bytes more than after the first ones; one that stayed for each request would be 5 bytes

CASES = [
    Case("GET", "/fields/ada"), Case("POST", "/echo", send=b"content"), Case("GET", "/later"), Case("GET", "/raising", 500),
    Case("GET", "/source"), Case("POST", "/driven", send=b"content"), Case("GET", "/fields/bob"), Case("GET", "/large"),
    Case("GET", "/nowhere", 404), Case("GET", "/fields/eve"),
]


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


class Leaks(unittest.TestCase):
    def test_memory_stays(self):
        running = Running(["target/test/mojo/leaks"], ("127.0.0.1:0",))
        self.addCleanup(running.kill)
        batch = (CASES * BATCH)[:BATCH]
        sent = b"".join(request(case) for case in batch)
        memory = None
        with Client(running.port, LIMIT) as client:
            for number in range(0, WARM + REQUESTS, BATCH):
                if number == WARM:
                    memory = resident(running.process.pid)
                client.send_beside(sent)
                for case in batch:
                    self.assertEqual(client.answer(case.method).status, case.status)
            more = resident(running.process.pid) - memory
        self.assertLess(more, MOST, f"{more} bytes more after {REQUESTS} requests")
        running.end("")
