"""What each example must answer. The same in every language."""
import json
from dataclasses import dataclass, field
from typing import Callable


@dataclass
class Case:
    method: str
    path: str
    status: int = 200
    check: Callable = lambda answer, body: ""  # (answer, body) -> what is wrong, or ""
    body: bytes | None = None
    headers: dict = field(default_factory=dict)


@dataclass
class Program:
    cases: list
    clean_stop: bool = True  # handles SIGTERM: ends with status 0


def body_is(expected):
    return lambda answer, body: "" if body == expected else f"the body is not {expected[:60]!r}"


def length_is(expected):
    return lambda answer, body: "" if len(body) == expected else f"{len(body)} bytes, not {expected}"


def type_is(expected, then=lambda answer, body: ""):
    def check(answer, body):
        found = answer.getheader("content-type") or "none"
        return then(answer, body) if found.split(";")[0] == expected else f"content type {found}, not {expected}"
    return check


def json_is(accepts):
    """The body is JSON, and accepts(value) is true."""
    def check(answer, body):
        try:
            return "" if accepts(json.loads(body)) else "another value"
        except ValueError:
            return "no JSON"
    return type_is("application/json", check)


def plaintext(answer, body):
    for name in ("server", "date"):
        if not answer.getheader(name):
            return f"no {name} field"
    return body_is(b"Hello, World!")(answer, body)


DOCUMENT = b'{"id":12345,"name":"widget","tags":["a","b"],"price":19.95,"stock":{"oslo":0},"ok":true}'
JSON = {"Content-Type": "application/json"}

CASES = {
    "hello": Program([
        Case("GET", "/", check=body_is(b"Hello, World!\n")),
        Case("HEAD", "/", check=body_is(b"")),
        Case("GET", "/nowhere", 404),
        Case("DELETE", "/", 405),
    ], clean_stop=False),
}

SHOWCASE = Program([
    Case("GET", "/plaintext", check=plaintext),
    Case("GET", "/json", check=json_is(lambda value: value == {"message": "Hello, World!"})),
    Case("GET", "/hi/ada", check=lambda answer, body: "" if b"ada" in body else "no name in it"),
    Case("POST", "/echo", check=type_is("text/x-test", body_is(b"some\x00bytes")), body=b"some\x00bytes", headers={"Content-Type": "text/x-test"}),
    Case("PUT", "/echo", check=body_is(b"put"), body=b"put"),
    Case("GET", "/headers", check=json_is(lambda value: "here" in json.dumps(value)), headers={"X-Test": "here"}),
    Case("GET", "/bytes/1000", check=length_is(1000)),
    Case("GET", "/bytes/0", check=length_is(0)),
    Case("GET", "/64k", check=length_is(65536)),
    Case("GET", "/1m", check=length_is(1 << 20)),
    Case("POST", "/json", check=json_is(lambda value: value == json.loads(DOCUMENT)), body=DOCUMENT, headers=JSON),
    Case("POST", "/upload", check=lambda answer, body: "" if len(body) < 1000 else "a long answer", body=b"x" * (1 << 20)),
    Case("GET", "/", check=lambda answer, body: "" if len(body) > 1000 and b"/plaintext" in body else "not the demo page"),
    Case("POST", "/", check=body_is(b"back"), body=b"back"),
    Case("GET", "/no/such/path", 404),
])
