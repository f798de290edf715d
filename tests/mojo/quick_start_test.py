"""What was written for the first flare, the one in Mojo, serves."""
import unittest

from cases import JSON, Case
from client import Client
from program import Running

LIMIT = 20


class QuickStart(unittest.TestCase):
    def test_it_answers_and_ends(self):
        running = Running(["target/test/mojo/quick_start"], ())
        self.addCleanup(running.kill)
        for path, kind, body in (("/", "text/plain; charset=utf-8", b"flare is up"), ("/hi/ada", "text/plain; charset=utf-8", b"hello, ada"),
                                 ("/health", JSON, b'{"status":"ok"}')):
            with Client(running.port, LIMIT) as client:
                answer = client.ask(Case("GET", path))
            self.assertEqual((answer.status, answer.get("content-type"), answer.body), (200, kind, body))
        running.end("")
