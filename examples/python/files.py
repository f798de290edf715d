"""The files of a folder: types, validators, conditional requests, ranges. The folder is the second argument."""

import sys

from flare import App
from support import run

app = App()
app.files("/", sys.argv[2] if len(sys.argv) > 2 else ".", index="index.html", cache_control="max-age=60")

if __name__ == "__main__":
    run(app)
