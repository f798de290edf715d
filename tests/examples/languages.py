"""The languages that have the examples: where the sources are, and what starts a program."""
import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Language:
    sources: str  # a pattern
    command: tuple  # {name} stands for the name of the example
    files: dict = field(default_factory=dict)  # name -> that of its file, where they differ

    def start(self, name):
        return [part.format(name=self.files.get(name, name)) for part in self.command]

    def found(self):
        """The names of the examples that are there."""
        names = {file: name for name, file in self.files.items()}
        return {names.get(path.stem, path.stem) for path in Path().glob(self.sources)}


LANGUAGES = {
    "c": Language("examples/c/*.c", ("target/examples/c/{name}",)),
    "rust": Language("examples/rust/src/bin/*.rs", (os.environ.get("RUST_EXAMPLES", "target/examples") + "/{name}",)),
    "node": Language("examples/node/*.mjs", ("node", "target/node/installed/examples/{name}.mjs")),
    # A program beside a queue.py would import that instead of Python's own.
    "python": Language("examples/python/*.py", ("target/python/venv/bin/python", "examples/python/{name}.py"), {"queue": "queue_"}),
    "mojo": Language("examples/mojo/*.mojo", ("target/examples/mojo/{name}",)),
}
