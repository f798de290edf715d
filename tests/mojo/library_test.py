"""How a program finds libflare.so, and what it says when it does not."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = "target/test/mojo/version"


def run(library, **others):
    environment = {**os.environ, **others}
    environment.pop("FLARE_LIBRARY", None)
    if library:
        environment["FLARE_LIBRARY"] = str(library)
    return subprocess.run([PROGRAM], env=environment, capture_output=True, text=True, timeout=20, check=False)


class Library(unittest.TestCase):
    def refused(self, library, *words):
        done = run(library)
        self.assertNotEqual(done.returncode, 0)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_the_variable_names_it(self):
        done = run(os.environ["FLARE_LIBRARY"])
        self.assertEqual((done.returncode, done.stdout), (0, "router made\n"), done.stderr)

    def test_the_system_finds_it(self):
        folder = Path(os.environ["FLARE_LIBRARY"]).parent
        done = run(None, LD_LIBRARY_PATH=str(folder))
        self.assertEqual((done.returncode, done.stdout), (0, "router made\n"), done.stderr)

    def test_a_missing_one_is_said(self):
        self.refused("/nowhere/libflare.so", "/nowhere/libflare.so", "FLARE_LIBRARY")
        self.refused(None, "libflare.so", "FLARE_LIBRARY")

    def test_another_library_is_refused(self):
        self.refused("libc.so.6", "has no flare_")

    def test_what_is_no_library_is_refused(self):
        with tempfile.NamedTemporaryFile(suffix=".so") as file:
            self.refused(file.name, file.name)
