"""The files of a folder: types, validators, conditional requests, ranges. The folder is the second argument."""

from std.sys import argv

from flare import Router
from support.run import run


def main() raises:
    var folder = String(argv()[2]) if len(argv()) > 2 else "."
    var router = Router()
    router.add_files("/*path", folder, "index=index.html; cache_control=max-age=60")
    run(router)
