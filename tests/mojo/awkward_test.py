"""Handlers that raise, forget, answer twice: what clients see, what the log says, and how often values are destroyed."""
import unittest
from collections import Counter

from cases import Case
from client import Client, Malformed
from program import Running

LIMIT = 20


class Awkward(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.running = Running(["target/test/mojo/awkward"], ("127.0.0.1:0",))
        self.addCleanup(self.running.kill)

    def ask(self, path, method="GET", **rest):
        with Client(self.running.port, LIMIT) as client:
            return client.ask(Case(method, path, **rest))

    def end(self):
        """Ends the program, and gives its lines."""
        self.running.ask_to_end()
        printed, _ = self.running.process.communicate(timeout=LIMIT)
        self.assertEqual(self.running.process.returncode, 0)
        lines = printed.splitlines()
        self.assertEqual(lines[-1], "the end")
        return lines

    def errors(self):
        return [line.removeprefix("error: ") for line in self.end() if line.startswith("error: ")]

    def refused(self, path, message, **rest):
        """500 for the client, and a message in the log that he does not see."""
        answer = self.ask(path, **rest)
        self.assertEqual((answer.status, answer.body), (500, b"Internal Server Error"))
        self.assertIsNone(answer.get("x-draft"))
        self.assertNotIn("secret", str(answer.fields))
        errors = self.errors()
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(message, errors[0])

    def cut(self, path, message):
        with self.assertRaises((Malformed, OSError)):
            self.ask(path)
        self.assertIn(message, self.errors()[0])

    def test_a_handler_that_raises(self):
        self.refused("/raising", "secret of a handler")

    def test_an_exchange_that_raises(self):
        self.refused("/raising-exchange", "secret of an exchange")

    def test_a_middleware_that_raises(self):
        self.refused("/raising-in-request", "secret of on_request")

    def test_a_driver_that_raises(self):
        self.refused("/driven", "secret of a driver", method="POST", send=b"content")

    def test_a_status_that_is_none(self):
        self.refused("/bad-status", "FLARE_ERROR_INVALID_ARGUMENT: status")

    def test_fields_that_cannot_be_sent(self):
        self.refused("/bad-field", "FLARE_ERROR_INVALID_ARGUMENT")

    def test_a_nul_in_a_field(self):
        self.refused("/nul-field", "the value of a field has a NUL in it")

    def test_a_parameter_that_is_not_there(self):
        self.refused("/no-param", "FLARE_ERROR_NOT_FOUND: the route has no parameter nobody")

    def test_a_file_that_is_not_there(self):
        self.refused("/no-file", "FLARE_ERROR_NOT_FOUND")

    def test_a_stream_that_raises_is_cut(self):
        self.cut("/raising-late", "secret of a stream")

    def test_a_source_that_raises_is_cut(self):
        self.cut("/raising-source", "secret of a source")

    def test_a_source_that_overflows_is_cut(self):
        self.cut("/large-source", "wrote more than fits")

    def test_a_handler_that_raises_after_its_answer(self):
        self.assertEqual(self.ask("/raising-after").body, b"answered")
        self.assertEqual(self.errors(), ["handler failed: secret after the answer"])

    def test_middleware_that_raises_at_the_head_and_at_the_end(self):
        for at in ("head", "end"):
            answer = self.ask(f"/raising-in-{at}")
            self.assertEqual(answer.status, 200)
            self.assertNotIn(b"secret", answer.body)
        self.assertEqual(self.errors(), ["handler failed: secret of on_head", "handler failed: secret of on_end"])

    def test_nobody_answers(self):
        self.assertEqual(self.ask("/silent").status, 500)
        self.assertEqual(self.ask("/dropping").status, 500)

    def test_the_second_answer_is_refused(self):
        self.assertEqual(self.ask("/twice").body, b"first")
        said = [line for line in self.end() if line.startswith("twice: ")]
        self.assertEqual(len(said), 2)
        for line in said:
            self.assertTrue(line.startswith("twice: FLARE_ERROR_FINISHED: "), line)

    def test_text_and_bytes_of_any_kind(self):
        self.assertEqual(self.ask("/nul-text").body, b"a\0b")
        self.assertEqual(self.ask("/large").body, b"x" * 3_000_000)
        self.assertEqual(self.ask("/attribute").body, b"True False")

    def test_all_of_a_request_can_be_read(self):
        answer = self.ask("/fields?a=%20b", send_fields={"Host": "a.test", "X-Odd": "a\xe9b"})
        first, *fields = answer.body.decode().splitlines()
        self.assertEqual(first, "GET /fields a=%20b 11")
        self.assertIn("host: a.test", fields)
        self.assertIn("x-odd: a\ufffdb", fields)

    def test_a_request_outlives_its_exchange(self):
        for who in ("ada", "bob", "eve"):
            self.assertEqual(self.ask("/keeping", send_fields={"X-Who": who}).body, b"ada")

    def test_all_is_destroyed_once(self):
        self.assertEqual(self.ask("/unsent-source").status, 200)
        with self.assertRaises((Malformed, OSError)):
            self.ask("/raising-source")
        self.ask("/driven", "POST", send=b"content")
        lines = self.end()
        counts = Counter(line.removeprefix("destroyed ") for line in lines if line.startswith("destroyed "))
        self.assertEqual(counts, {
            "handler": 1, "source": 2, "driver": 1, "middleware request": 1, "middleware head": 1, "middleware end": 1, "log": 1,
            "access log": 1, "start": 1, "stop": 1})
        ran = [line for line in lines if line.startswith("ran ")]
        self.assertEqual(Counter(ran), {f"ran {name} 1": 1 for name in ("start", "stop")})
        self.assertEqual(lines[-2], "posted 1 2")

    def test_the_access_log_has_each_exchange(self):
        self.ask("/nul-text")
        self.ask("/raising")
        said = [line for line in self.end() if line.startswith("access: ")]
        self.assertEqual(said, ["access: GET /nul-text 200 3", "access: GET /raising 500 21"])
