"""What each example program must answer: one table for all languages, compared byte for byte."""
import json, re, struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import talking
import upstream

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
    fields: dict = field(default_factory=dict)  # the other fields of the answer, names in lower case; texts, patterns or lists
    interim: list = field(default_factory=list)  # (status, fields) of each answer before
    trailers: dict = field(default_factory=dict)
    chunked: bool = False  # whether its length is not known at its head
    send: bytes | None = None
    send_fields: dict = field(default_factory=dict)
    send_trailers: dict | None = None  # not None: the content is sent in chunks, these behind it
    bursts: tuple = ()  # the same content in parts: each is sent when all before has come back, and the end with the last. Not on HTTP/3
    content_bytes: int = 0  # about how much content comes, where the case does not hold it

    def size(self):
        """About how many bytes of content go back and forth."""
        return max(self.content_bytes, len(self.send or b""), 0 if callable(self.body) else len(self.body))

    def expected_fields(self, body):
        length = len(body) if self.length is None else self.length
        length = None if length < 0 or self.chunked else str(length)
        coding = "chunked" if self.chunked and self.method != "HEAD" else None
        fields = {"server": "flare", "content-type": self.type, "content-length": length, "transfer-encoding": coding,
                  **self.fields}
        lines = [(name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value])]
        return sorted((name, value) for name, value in lines if value is not None)


@dataclass
class Program:
    cases: list
    arguments: tuple = ("127.0.0.1:0",)  # none: it listens where its source says and prints nothing
    held: Case | None = None  # a POST that is half sent when SIGTERM comes, and must still be answered
    languages: tuple = ("c", "rust", "python", "node", "mojo")  # where there is such an example
    needs: str = ""  # a library that pkg-config must know; without it the example is neither built nor asked
    report: str = ""  # a pattern of what it prints at its end, besides "listening on"
    talk: Callable | None = None  # what is said on its WebSockets, of talking.py
    prints: str | None = None  # it serves nobody: it ends by itself, and this is what it prints


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

LETTERS = b"".join(bytes([ord("a") + i % 26]) * 1000 for i in range(4000))

STREAM = Program([
    Case("GET", "/countdown", chunked=True, body=b"10\n9\n8\n7\n6\n5\n4\n3\n2\n1\n"),
    Case("HEAD", "/countdown", chunked=True),
    Case("GET", "/letters", chunked=True, body=LETTERS),
    Case("HEAD", "/letters", chunked=True),
])

LINES = b"a line of text\n" * 400_000

UPLOAD = Program([
    Case("POST", "/upload", body=b"11 bytes, 2 lines\n", send=b"one\ntwo\nend"),
    Case("POST", "/upload", body=b"0 bytes, 0 lines\n", send=b""),
    Case("POST", "/upload", body=b"0 bytes, 0 lines\n"),
    Case("POST", "/upload", body=b"6000000 bytes, 400000 lines\n", send=LINES),
    Case("POST", "/upload", body=b"6000000 bytes, 400000 lines\n", send=LINES, send_trailers={}),
    Case("POST", "/upload", body=b"3 bytes, 0 lines\n", send=b"abc", send_fields={"Expect": "100-continue"}, interim=[]),
    not_allowed("GET", "/upload", "OPTIONS, POST"),
], held=Case("POST", "/upload", body=b"5 bytes, 0 lines\n", send=b"hello", fields={"connection": "close"}))

# Bytes one by one, words, many lines.
BURSTS = (b"a", b"b", b"c", b"there ", b"and back\n", LINES[:15_000], b"d", bytes(range(256)) * 20, b"e")


def duplex_in_bursts(*bursts, **rest):
    """A client that talks while it listens."""
    content = b"".join(bursts)
    return Case("POST", "/echo", type=BYTES, chunked=True, body=content, send=content, bursts=bursts, **rest)


DUPLEX = Program([
    Case("POST", "/echo", type=BYTES, chunked=True, body=b"there and back", send=b"there and back"),
    Case("POST", "/echo", type=BYTES, chunked=True, body=b"there and back", send=b"there and back", send_trailers={}),
    Case("POST", "/echo", type=BYTES, chunked=True, body=b"", send=b""),
    Case("POST", "/echo", type=BYTES, chunked=True, body=LINES, send=LINES),
    Case("POST", "/echo", type=BYTES, chunked=True, body=LINES, send=LINES, send_trailers={}),
    *(duplex_in_bursts(*BURSTS, last, send_trailers=trailers)
      for last in (b"the end", LINES[:3_000_000]) for trailers in (None, {}, {"x-last": "1"})),
    duplex_in_bursts(b"all of it", send_trailers={}),
])

QUEUE = Program([
    Case("POST", "/upper", body=b"SHOUT, 1 TIME\n", send=b"shout, 1 time\n"),
    Case("POST", "/lower", body=b"whisper [z]\n", send=b"Whisper [Z]\n"),
    Case("POST", "/upper", body=b""),
    Case("POST", "/upper", body=LINES.upper(), send=LINES),
], held=Case("POST", "/lower", body=b"hello", send=b"HELLO", fields={"connection": "close"}))


def in_chain(number, body, status=200, path="/api/hello", key=None, **fields):
    timing = re.compile(r"app;dur=\d+\.\d{3}")
    return Case("GET", path, status, body=body, fields={"x-request-id": str(number), "server-timing": timing, **fields},
                send_fields={} if key is None else {"Authorization": key})


NO_KEY = dict(status=401, body=b"who are you?\n", **{"www-authenticate": 'Bearer realm="api"'})
MIDDLEWARE = Program([
    in_chain(1, b"hello, request 1\n", path="/hello"),
    in_chain(2, **NO_KEY),
    in_chain(3, key="Bearer open", **NO_KEY),
    in_chain(4, key="open-sesame", **NO_KEY),
    *(in_chain(number, f"hello, request {number}\n".encode(), key="Bearer open-sesame") for number in (5, 6, 7)),
    in_chain(8, b"enough for now\n", 429, key="Bearer open-sesame", **{"retry-after": "60"}),
    in_chain(9, b"Not Found", 404, "/nowhere"),
], report=r"GET /hello 200 17\n(GET /api/hello 401 13\n){3}(GET /api/hello 200 17\n){3}"
          r"GET /api/hello 429 15\nGET /nowhere 404 9\n")



def protected(body, status=200, key="Bearer open-sesame", **fields):
    return Case("GET", "/hello", status, body=body, fields=fields, send_fields={} if key is None else {"Authorization": key})


CHALLENGE = "www-authenticate"
PROTECT = Program([
    protected(b"Unauthorized", 401, None, **{CHALLENGE: 'Bearer realm="api"'}),
    protected(b"Unauthorized", 401, "Bearer open", **{CHALLENGE: 'Bearer realm="api", error="invalid_token"'}),
    *(protected(b"hello, ann\n") for _ in range(3)),
    protected(b"Too Many Requests", 429, **{"retry-after": re.compile(r"[1-6]?\d")}),
], report=r'(127\.0\.0\.1 - - \[.+\] "GET /hello HTTP/[\d.]+" 401 12\n){2}'
          r'(127\.0\.0\.1 - ann \[.+\] "GET /hello HTTP/[\d.]+" 200 11\n){3}'
          r'127\.0\.0\.1 - ann \[.+\] "GET /hello HTTP/[\d.]+" 429 17\n')

BLOCKING = Program([
    Case("GET", "/sleep", body=b"slept 20 ms\n"),
    Case("HEAD", "/sleep", length=12),
])

PAGE = b"<!doctype html><title>flare</title><link rel=stylesheet href=/style.css><p>hello\n"
HINTS = [(103, {"link": "</style.css>; rel=preload; as=style"})]
INFORMATIONAL = Program([
    Case("GET", "/", type="text/html; charset=utf-8", body=PAGE, interim=HINTS),
    Case("HEAD", "/", type="text/html; charset=utf-8", length=len(PAGE), interim=HINTS),
    Case("GET", "/style.css", type="text/css; charset=utf-8", body=b"p { color: tomato }\n"),
])

NO_SUM = dict(status=400, body=b"the trailer x-sum is missing or wrong\n")
TRAILERS = Program([
    Case("POST", "/sum", type=BYTES, chunked=True, body=b"abc", fields={"trailer": "x-sum"}, trailers={"x-sum": "294"},
         send=b"abc", send_trailers={"X-Sum": "294"}),
    Case("POST", "/sum", type=BYTES, chunked=True, fields={"trailer": "x-sum"}, trailers={"x-sum": "0"}, send=b"",
         send_trailers={"x-sum": "0"}),
    Case("POST", "/sum", send=b"abc", send_trailers={"x-sum": "295"}, **NO_SUM),
    Case("POST", "/sum", send=b"abc", send_trailers={}, **NO_SUM),
    Case("POST", "/sum", send=b"abc", **NO_SUM),
])

ETAG = re.compile(r'(W/)?"[0-9a-f-]+"')
FOLDER = Path(__file__).resolve().parent / "files"
INDEX, SHIP = (FOLDER / "index.html").read_bytes(), (FOLDER / "ships/ship.txt").read_bytes()


def of_file(method, path, status=200, type=TEXT, body=b"", range=None, cached=True, send_fields=None, **rest):
    """What every answer with a file, or a part of it, says."""
    fields = {"x-content-type-options": "nosniff", "cache-control": "max-age=60" if cached else None, "accept-ranges": "bytes",
              "last-modified": re.compile(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT"), "etag": ETAG}
    if range:
        fields["content-range"] = range
    return Case(method, path, status, type, body, fields=fields, send_fields=send_fields or {}, **rest)


FILES = Program([
    of_file("GET", "/", type="text/html; charset=utf-8", body=INDEX),
    of_file("GET", "/ships/ship.txt", body=SHIP),
    of_file("HEAD", "/ships/ship.txt", length=len(SHIP)),
    of_file("GET", "/ships/ship.txt", 206, body=SHIP[2:6], range=f"bytes 2-5/{len(SHIP)}", send_fields={"Range": "bytes=2-5"}),
    of_file("GET", "/ships/ship.txt", 206, body=SHIP[-5:], range=f"bytes {len(SHIP) - 5}-{len(SHIP) - 1}/{len(SHIP)}",
            send_fields={"Range": "bytes=-5"}),
    Case("GET", "/ships/ship.txt", 304, type=None, length=-1, fields={"etag": ETAG, "cache-control": "max-age=60"},
         send_fields={"If-None-Match": "*"}),
    not_found("/ships/"),
    not_found("/no-such-file"),
    *(not_found(path) for path in ("/.hidden", "/../cases.py", "/%2e%2e/cases.py", "/ships/..%2fship.txt")),
    not_allowed("POST", "/ships/ship.txt", "GET, HEAD, OPTIONS"),
], arguments=("127.0.0.1:0", str(FOLDER)))

def host(**rest):
    """A server in the loop of another library, which nobody can tell from outside."""
    return Program([
        Case("GET", "/", body=b"Hello from the loop!\n"),
        Case("POST", "/", body=b"100000 bytes\n", send=bytes(100_000)),
        not_found("/nowhere"),
    ], held=Case("POST", "/", body=b"5 bytes\n", send=b"hello", fields={"connection": "close"}), **rest)


def relayed(method, path, body, send=None):
    return Case(method, path, body=body, length=-1, send=send, fields={"transfer-encoding": "chunked"})


def lines(n):
    return b"".join(b"%d\n" % i for i in range(1, n + 1))


PROXY = Program([
    relayed("GET", "/count/3", b"1\n2\n3\n"),
    relayed("GET", "/count/300000", lines(300_000)),
    Case("GET", "/count/0"),
    Case("GET", "/count/x", 400, body=b"not a number from 0 to 1000000\n"),
    relayed("POST", "/shout", b"SOME TEXT", b"some text"),
    relayed("POST", "/shout", b"ABC" * 1_000_000, b"abc" * 1_000_000),
    Case("GET", "/nobody", 502, body=b"Bad Gateway"),
    not_found("/nowhere"),
])

CHAT = Program([
    Case("GET", "/chat", type="text/html; charset=utf-8", body=has(b"new WebSocket")),
    not_found("/nowhere"),
], talk=talking.chat)

CASES = {
    "hello": HELLO, "router": ROUTER, "shutdown": SHUTDOWN, "later": LATER, "stream": STREAM, "upload": UPLOAD, "duplex": DUPLEX,
    "queue": QUEUE, "middleware": MIDDLEWARE, "protect": PROTECT, "blocking": BLOCKING, "informational": INFORMATIONAL, "trailers": TRAILERS,
    "files": FILES, "mux": Program([], prints="100 of 100 streams were answered\n"),
         "host_epoll": host(languages=("c", "rust", "python", "mojo")), "host_libuv": host(languages=("c",), needs="libuv"),
         "host_glib": host(languages=("c",), needs="glib-2.0"), "proxy": PROXY, "chat": CHAT}

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

ANNOUNCED = {"trailer": ["x-a", "x-b"]}


def summed(content):
    """What /upload answers: the sum of the words of 64 bits, the last filled up with zeros."""
    words = struct.iter_unpack("<Q", content + bytes(-len(content) % 8))
    return b"%d bytes, sum %016x\n" % (len(content), sum(word for word, in words) % (1 << 64))


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
         body=json_is({"host": "a.test", "x-test": 'a "b"\t\ufffd'})),
    Case("GET", "/bytes/0", type=BYTES),
    Case("GET", "/bytes/1000", type=BYTES, body=b"x" * 1000),
    Case("GET", f"/bytes/{64 << 20}", type=BYTES, content_bytes=64 << 20,
         body=lambda body: "" if body.count(b"x") == 64 << 20 else "other bytes"),
    *(Case("GET", f"/bytes/{n}", 400, body=b"not a number from 0 to 67108864\n") for n in ((64 << 20) + 1, -1, "1k", "9" * 40)),
    Case("GET", "/64k", type=BYTES, body=b"x" * 65536),
    Case("GET", "/1m", type=BYTES, body=b"x" * (1 << 20)),
    *(Case("POST", "/upload", body=summed(content), send=content, send_trailers=trailers)
      for content in (b"", b"1234567", b"12345678", b"123456789", bytes(range(256)) * 9000 + b"odd") for trailers in (None, {})),
    post("/echo", LINES, "text/x-test", type="text/x-test", body=LINES),
    post("/echo", LINES, "text/x-test", type="text/x-test", body=LINES, chunked=True, send_trailers={}),
    Case("GET", "/stream/3", chunked=True, body=b"chunk 1\nchunk 2\nchunk 3\n"),
    Case("GET", "/stream/0", chunked=True),
    Case("HEAD", "/stream/3", chunked=True),
    Case("GET", "/stream/1000000", chunked=True, body=b"".join(b"chunk %d\n" % i for i in range(1, 1_000_001))),
    Case("GET", "/stream/1000001", 400, body=b"not a number from 0 to 1000000\n"),
    Case("POST", "/trailers", chunked=True, body=b"trailers: 2\n", fields=ANNOUNCED, trailers={"x-a": "1", "x-b": "two"},
         send=b"content", send_trailers={"X-A": "1", "x-b": "two"}),
    Case("GET", "/trailers", body=b"trailers: 0\n"),
    *(Case("GET", f"/later/{ms}", body=b"answered after %d ms\n" % ms) for ms in (0, 1, 30)),
    *(Case("GET", f"/slow/{ms}", body=b"slept %d ms\n" % ms) for ms in (0, 30)),
    *(Case("GET", f"/{path}/{ms}", 400, body=b"not a number from 0 to 30000\n")
      for path in ("later", "slow") for ms in (30001, "x")),
    of_file("GET", "/files/ships/ship.txt", body=SHIP, cached=False),
    not_found("/files/../program.py"),
    Case("POST", "/proxy", type=BYTES, chunked=True, body=b"ONE WAY\n", send=b"one way\n"),
    Case("PUT", "/proxy", type=BYTES, chunked=True, body=LINES.upper(), send=LINES, send_trailers={}),
    Case("GET", "/", type="text/html; charset=utf-8",
         body=has(b"/plaintext", b"/json", b"/hi/:name", b"/echo", b"/headers", b"/bytes/:n", b"/64k", b"/1m", b"/upload",
                  b"/stream/:n", b"/trailers", b"/later/:ms", b"/slow/:ms", b"/files/*path", b"/proxy", b"/ws", b"/chat")),
    Case("GET", "/chat", type="text/html; charset=utf-8", body=has(b"new WebSocket")),
    post("/", b"back", "text/x-test", type="text/x-test", body=b"back"),
    not_found("/no/such/path"),
    not_allowed("DELETE", "/plaintext", "GET, HEAD, OPTIONS"),
], arguments=("--port", "0", "--workers", "1", "--files", str(FOLDER), "--upstream", upstream.start()),
    report=r"accepted \d+, requests \d+, .*answers_5xx 0, .*drain_aborted 0\n",
    held=Case("POST", "/", type=BYTES, body=b"hello", send=b"hello", fields={"connection": "close"}))
