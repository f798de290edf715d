"""What is refused without a client: tests/mojo/programs/misuse.mojo has the tests, and says how they went."""
import subprocess
import unittest


class Misuse(unittest.TestCase):
    def test_calls_that_must_be_refused(self):
        done = subprocess.run(["target/test/mojo/misuse"], capture_output=True, text=True, timeout=60, check=False)
        lines = done.stdout.splitlines()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(lines[-1], "the end")
        self.assertEqual(len(lines), 8)
        for line in lines[:-1]:
            with self.subTest(line):
                self.assertTrue(line.startswith("ok "), line)
