"""An app from end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import requests

import flare
from conftest import Running


def test_it_is_the_installed_package() -> None:
    assert "site-packages" in Path(flare.__file__).parts


def test_hello(serve: Callable[[flare.App], Running]) -> None:
    app = flare.App()

    @app.get("/hi/:name")
    def hi(request: flare.Request) -> str:
        return f"hi, {request.params['name']}\n"

    with serve(app) as running:
        answer = httpx.get(f"{running.url}/hi/ada%20l")
        assert (answer.status_code, answer.text) == (200, "hi, ada l\n")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        answer = requests.get(f"{running.url}/nowhere", timeout=10)
        assert (answer.status_code, answer.text) == (404, "Not Found")
    assert running.report is not None
    assert running.report.requests == 2
    assert running.report.aborted == 0
