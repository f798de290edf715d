"""An app from end to end."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import httpx
import requests

import flare
import flare.middleware
import flare.mux
import flare.testing
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


def test_everything_public_has_a_docstring() -> None:
    for module in (flare, flare.middleware, flare.mux, flare.testing):
        for name in module.__all__:
            thing = getattr(module, name)
            if not inspect.isclass(thing):
                continue
            assert thing.__doc__, name
            for part, value in vars(thing).items():
                if not part.startswith("_") and (callable(value) or inspect.isdatadescriptor(value)):
                    assert inspect.getdoc(value), f"{name}.{part}"
