"""The languages that have the examples: where the sources are, and what starts a program."""
import os
from dataclasses import dataclass


@dataclass
class Language:
    sources: str  # a pattern
    command: tuple  # {name} stands for the name of the example

    def start(self, name):
        return [part.format(name=name) for part in self.command]


LANGUAGES = {
    "c": Language("examples/c/*.c", ("target/examples/c/{name}",)),
    "rust": Language("examples/rust/src/bin/*.rs", (os.environ.get("RUST_EXAMPLES", "target/examples") + "/{name}",)),
    "node": Language("examples/node/*.mjs", ("node", "target/node/installed/examples/{name}.mjs")),
    "mojo": Language("examples/mojo/*.mojo", ("target/examples/mojo/{name}",)),
}
