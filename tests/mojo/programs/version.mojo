"""Loads the library and says that it could."""

from flare import Router


def main() raises:
    _ = Router()
    print("router made")
