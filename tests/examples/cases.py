"""What each example program must answer: one table for all languages, compared byte for byte."""
import json
from dataclasses import dataclass, field
from typing import Callable

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
BYTES = "application/octet-stream"


@dataclass
class Case:
    """One request, and all of its answer but Date."""
    method: str
    path: str
    status: int = 200
    type: str | None = TEXT  # None: no Content-Type
    body: bytes | Callable = b""  # the content, or a function of it that says what is wrong
    length: int | None = None  # Content-Length where it is not the length of the content
    fields: dict = field(default_factory=dict)  # the other fields of the answer, names in lower case
    send: bytes | None = None
    send_fields: dict = field(default_factory=dict)

    def expected_fields(self, body):
        length = len(body) if self.length is None else self.length
        length = None if length < 0 else str(length)
        fields = {"server": "flare", "content-type": self.type, "content-length": length, **self.fields}
        return sorted((name, value) for name, value in fields.items() if value is not None)


@dataclass
class Program:
    cases: list
    arguments: tuple = ("127.0.0.1:0",)  # none: it listens where its source says and prints nothing
    held: Case | None = None  # a POST that is half sent when SIGTERM comes, and must still be answered
    report: str = ""  # a pattern of what it prints at its end, besides "listening on"


def json_is(expected):
    def check(body):
        try:
            found = json.loads(body)
        except ValueError:
            return "no JSON"
        return "" if found == expected else f"the value is {found!r}, not {expected!r}"
    return check


def has(*parts):
    return lambda body: "".join(f"there is no {part!r} in it. " for part in parts if part not in body)


def post(path, send, kind, **rest):
    return Case("POST", path, send=send, send_fields={"Content-Type": kind}, **rest)


def not_found(path, method="GET"):
    return Case(method, path, 404, body=b"Not Found")


def not_allowed(method, path, allow):
    return Case(method, path, 405, body=b"Method Not Allowed", fields={"allow": allow})


HELLO = Program([
    Case("GET", "/", body=b"Hello, World!\n"),
    Case("HEAD", "/", length=14),
    Case("OPTIONS", "/", 204, type=None, length=-1, fields={"allow": "GET, HEAD, OPTIONS"}),
    not_found("/nowhere"),
    not_allowed("DELETE", "/", "GET, HEAD, OPTIONS"),
], arguments=())

ROUTER = Program([
    Case("GET", "/hi/ada", body=b"hi, ada\n"),
    Case("GET", "/hi/a%2Fb%20%C3%A9", body="hi, a/b é\n".encode()),
    Case("GET", "/hi/" + "x" * 200, body=b"hi, " + b"x" * 200 + b"\n"),
    Case("GET", "/hi/" + "x" * 201, 400, body=b"the name is too long\n"),
    Case("HEAD", "/hi/ada", length=8),
    not_found("/hi/"),
    not_found("/hi/a/b"),
    Case("GET", "/hi/%zz", 400, body=b"Bad Request", fields={"connection": "close"}),
    not_allowed("POST", "/hi/ada", "GET, HEAD, OPTIONS"),
    Case("GET", "/files/a/b%20c/d.txt", body=b"a/b c/d.txt"),
    Case("GET", "/api/users/7", type=JSON, body=b'{"id":7}'),
    Case("GET", "/api/users/0", type=JSON, body=b'{"id":0}'),
    Case("GET", "/api/users/007", 404, type=JSON, body=b'{"error":"no such user"}'),
    Case("GET", "/api/users/ada", 404, type=JSON, body=b'{"error":"no such user"}'),
    Case("GET", "/api/users/%FF", 404, type=JSON, body=b'{"error":"no such user"}'),
    Case("GET", "/api/users/1234567890", 404, type=JSON, body=b'{"error":"no such user"}'),
    post("/api/echo", b'{ "a": [1, "\xc3\xa9"] }', JSON, type=JSON, body=b'{ "a": [1, "\xc3\xa9"] }'),
    post("/api/echo", b"text", "text/plain", status=415, type=JSON, body=b'{"error":"send application/json"}'),
    Case("POST", "/api/echo", 415, type=JSON, body=b'{"error":"send application/json"}', send=b"{}"),
    not_allowed("GET", "/api/echo", "OPTIONS, POST"),
    not_found("/users/7"),
    not_found("/api"),
    not_found("/"),
])

SHUTDOWN = Program([
    Case("GET", "/", body=b"still here\n"),
    Case("POST", "/", body=b"3 bytes\n", send=b"abc"),
    not_found("/nowhere"),
], held=Case("POST", "/", body=b"5 bytes\n", send=b"hello", fields={"connection": "close"}),
    report=r"4 requests, [1-9]\d* connections finished, 0 aborted\n")

LATER = Program([
    Case("GET", "/primes/0", body=b"0 primes below 0\n"),
    Case("GET", "/primes/100", body=b"25 primes below 100\n"),
    Case("GET", "/primes/1000000", body=b"78498 primes below 1000000\n"),
    Case("HEAD", "/primes/100", length=20),
    *(Case("GET", f"/primes/{text}", 400, body=b"not a number from 0 to 1000000\n")
      for text in ("1000001", "-1", "+1", "x", "1x", "%201", "9" * 30)),
    not_found("/primes"),
])

CASES = {"hello": HELLO, "router": ROUTER, "shutdown": SHUTDOWN, "later": LATER}

DOCUMENT = b'{"id":12345,"name":"widget","tags":["a","b"],"price":19.95,"stock":{"oslo":0},"ok":true}'
NO_JSON = [b"", b"nul", b"01", b"1.", b"-", b"+1", b"1e", b"[1,]", b"[1 2]", b"[", b"]", b'{"a"}', b'{"a":1,}', b"{1:2}",
           b'"', b'"\\x"',
           b'"\\u12g4"', b'"\\ud800"', b'"\\udc00"', b'"\n"', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b"1 2",
           b"[" * 65 + b"]" * 65]
REWRITTEN = [
    (b' { "a" : [ 1 , -2.50e+3 , true , false , null ] , "b" : { } } \r\n', b'{"a":[1,-2.50e+3,true,false,null],"b":{}}'),
    (b'"\\u00e9\\ud83d\\ude00\\/\\u0041"', '"é😀/A"'.encode()),
    (b'"\\b\\f\\n\\r\\t\\"\\\\\\u0000\\u001f"', b'"\\b\\f\\n\\r\\t\\"\\\\\\u0000\\u001f"'),
    (b"[" * 64 + b"]" * 64, b"[" * 64 + b"]" * 64),
    (b"123456789012345678901234567890", b"123456789012345678901234567890"),
    (b'{"a":1,"a":2,"":{"":[[],[{}]]}}', b'{"a":1,"a":2,"":{"":[[],[{}]]}}'),
    (DOCUMENT, DOCUMENT),
]

SHOWCASE = Program([
    Case("GET", "/plaintext", type="text/plain", body=b"Hello, World!"),
    Case("HEAD", "/plaintext", type="text/plain", length=13),
    Case("GET", "/json", type=JSON, body=b'{"message":"Hello, World!"}'),
    *(post("/json", sent, JSON, type=JSON, body=expected) for sent, expected in REWRITTEN),
    *(post("/json", sent, JSON, status=400, body=b"the content is not JSON\n") for sent in NO_JSON),
    Case("GET", "/hi/ada", body=b"hi, ada\n"),
    Case("GET", "/hi/" + "x" * 2000, 400, body=b"the name is too long\n"),
    post("/echo", b"some\x00bytes", "text/x-test", type="text/x-test", body=b"some\x00bytes"),
    Case("PUT", "/echo", type=BYTES, body=b"put", send=b"put"),
    Case("PROPFIND", "/echo", type=BYTES, body=b""),
    Case("GET", "/headers", type=JSON, send_fields={"Host": "a.test", "X-Test": 'a "b"\t\xff'},
         body=json_is({"host": "a.test", "accept-encoding": "identity", "x-test": 'a "b"\t\ufffd'})),
    Case("GET", "/bytes/0", type=BYTES),
    Case("GET", "/bytes/1000", type=BYTES, body=b"x" * 1000),
    Case("GET", f"/bytes/{64 << 20}", type=BYTES, body=lambda body: "" if body.count(b"x") == 64 << 20 else "other bytes"),
    *(Case("GET", f"/bytes/{n}", 400, body=b"not a number from 0 to 67108864\n") for n in ((64 << 20) + 1, -1, "1k", "9" * 40)),
    Case("GET", "/64k", type=BYTES, body=b"x" * 65536),
    Case("GET", "/1m", type=BYTES, body=b"x" * (1 << 20)),
    Case("POST", "/upload", body=b"1048576 bytes, checksum ffff\n", send=bytes(1 << 20)),
    # The example of RFC 1071, section 3, and the same with an odd byte behind it
    Case("POST", "/upload", body=b"8 bytes, checksum 220d\n", send=bytes.fromhex("0001f203f4f5f6f7")),
    Case("POST", "/upload", body=b"9 bytes, checksum 210d\n", send=bytes.fromhex("0001f203f4f5f6f701")),
    Case("GET", "/", type="text/html; charset=utf-8",
         body=has(b"/plaintext", b"/json", b"/hi/:name", b"/echo", b"/headers", b"/bytes/:n", b"/64k", b"/1m", b"/upload")),
    post("/", b"back", "text/x-test", type="text/x-test", body=b"back"),
    not_found("/no/such/path"),
    not_allowed("DELETE", "/plaintext", "GET, HEAD, OPTIONS"),
], arguments=("--port", "0", "--workers", "1"), report=r"accepted \d+, requests \d+, .*answers_5xx 0, .*drain_aborted 0\n",
    held=Case("POST", "/", type=BYTES, body=b"hello", send=b"hello", fields={"connection": "close"}))
