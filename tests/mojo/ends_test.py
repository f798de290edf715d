"""Both ends in one program: tests/mojo/programs/client.mojo and websocket.mojo have the tests, and say how they went."""
import subprocess
import unittest


class Ends(unittest.TestCase):
    def run_program(self, name, tests):
        done = subprocess.run([f"target/test/mojo/{name}"], capture_output=True, text=True, timeout=120, check=False)
        *lines, end = done.stdout.splitlines() or [""]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(lines), tests, lines)
        for line in lines:
            with self.subTest(line):
                self.assertTrue(line.startswith("ok "), line)
        return end

    def test_the_client(self):
        self.assertEqual(self.run_program("client", 13), "the end")

    def test_websockets(self):
        opened, destroyed = self.run_program("websocket", 11).removeprefix("the end ").split()
        self.assertEqual(opened, destroyed)
