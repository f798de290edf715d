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

    def test_typed_input(self):
        running = Running(["target/test/mojo/quick_start"], ())
        self.addCleanup(running.kill)
        key = {"X-Key": "k"}
        for path, fields, status, body in (("/users/42", {}, 200, b"user=42"), ("/users/-7", {}, 200, b"user=-7"),
                                           ("/users/ada", {}, 400, b"id is no whole number\n"),
                                           ("/users/99999999999999999999", {}, 400, b"id is no whole number\n"),
                                           ("/parts/a%20b", key, 200, b"a b k 1"), ("/parts/a", key, 200, b"a k 1"),
                                           ("/parts/a", {}, 400, b"the field x-key is missing\n")):
            with Client(running.port, LIMIT) as client:
                answer = client.ask(Case("GET", path, send_fields=fields))
            self.assertEqual((answer.status, answer.body), (status, body), path)
        running.end("")
