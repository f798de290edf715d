"""What the gate asks: mixes of requests that are the same in every run, on one connection, each answered before the next is sent. So the
server works them off in the same turns, and its instructions can be counted to a part in a thousand."""
import socket, ssl
from contextlib import contextmanager

import http2
from workloads import HELLO, SMALL

PATIENCE = 60
# As a browser sends them.
FIELDS = "".join(f"{name}: {value}\r\n" for name, value in {
    "Connection": "keep-alive", "Cache-Control": "max-age=0", "sec-ch-ua": '"Chromium";v="124", "Not-A.Brand";v="99"', "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"', "Upgrade-Insecure-Requests": "1", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1", "Sec-Fetch-Dest": "document", "Accept-Encoding": "gzip, deflate, br, zstd", "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
    "Cookie": "session=0123456789abcdef0123456789abcdef; theme=dark", "If-None-Match": 'W/"abcdef-0123"', "DNT": "1", "Priority": "u=0, i",
    "Referer": "http://127.0.0.1/index.html",
}.items())
POSTED = b"x" * 1024
SUMMED = b"%d bytes, sum %016x\n" % (len(POSTED), int.from_bytes(POSTED[:8], "little") * (len(POSTED) // 8) % (1 << 64))


class Wrong(Exception):
    """An answer that is not what it has to be."""


class Http1:
    """Requests in one write, and their answers."""

    def __init__(self, connection, path, fields="", content=None, answer=HELLO, at_once=1):
        self.connection, self.answer, self.at_once = connection, answer, at_once
        if content is not None:
            fields += f"Content-Length: {len(content)}\r\n"
        head = f"{'GET' if content is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"
        self.request = (head.encode() + (content or b"")) * at_once

    def ask(self):
        self.connection.sendall(self.request)
        got = b""
        for _ in range(self.at_once):
            while b"\r\n\r\n" not in got:
                got += self.more()
            head, got = got.split(b"\r\n\r\n", 1)
            while len(got) < len(self.answer):
                got += self.more()
            content, got = got[: len(self.answer)], got[len(self.answer) :]
            length = b"content-length: %d" % len(self.answer)
            if not head.startswith(b"HTTP/1.1 200 ") or length not in head.lower().split(b"\r\n") or content != self.answer:
                raise Wrong(f"answered {head[:80]!r} and {content[:40]!r}, not 200 with {len(self.answer)} bytes")
        if got:
            raise Wrong(f"bytes behind the answer: {got[:40]!r}")

    def more(self):
        data = self.connection.recv(1 << 20)
        if not data:
            raise Wrong("the server closed")
        return data


class Http2:
    """Requests on as many streams, in one write, and their answers."""

    def __init__(self, connection, at_once):
        self.connection, self.at_once, self.stream = connection, at_once, 1
        connection.sendall(http2.BEGIN + http2.frame(http2.WINDOW_UPDATE, 0, 0, (1 << 30).to_bytes(4, "big")))
        self.frames = http2.frames(connection)

    def ask(self):
        streams = [self.stream + 2 * at for at in range(self.at_once)]
        self.stream += 2 * self.at_once
        flags = http2.END_STREAM | http2.END_HEADERS
        self.connection.sendall(b"".join(http2.frame(http2.HEADERS, flags, stream, http2.GET) for stream in streams))
        got = {stream: [b"", b""] for stream in streams}
        while got:
            kind, flags, stream, payload = next(self.frames)
            if kind in (http2.HEADERS, http2.DATA):
                got[stream][kind == http2.DATA] += payload
                if flags & http2.END_STREAM:
                    block, content = got.pop(stream)
                    # :status 200 is entry 8 of the static table; the size of the dynamic table may come before it.
                    if not block.lstrip(bytes(range(0x20, 0x40))).startswith(b"\x88") or content != HELLO:
                        raise Wrong(f"answered {block[:40]!r} and {content[:40]!r}")
            elif kind == http2.RST_STREAM:
                raise Wrong("a stream was reset")


# name: what asks it on a connection, requests in a unit, whether over TLS
MIXES = {
    "plain": (lambda c: Http1(c, "/plaintext"), 1, False),
    "headers": (lambda c: Http1(c, "/plaintext", FIELDS), 1, False),
    "pipelined": (lambda c: Http1(c, "/plaintext", at_once=16), 16, False),
    "post": (lambda c: Http1(c, "/upload", content=POSTED, answer=SUMMED), 1, False),
    "64k": (lambda c: Http1(c, "/64k", answer=SMALL), 1, False),
    "h2c": (lambda c: Http2(c, 16), 16, False),
    "tls": (lambda c: Http1(c, "/plaintext"), 1, True),
}


@contextmanager
def asking(mix, port):
    """A connection, as what asks one unit of the mix on it and checks the answers."""
    make, _, tls = MIXES[mix]
    with socket.socket() as plain:
        plain.settimeout(PATIENCE)
        # So that a large answer is taken in one piece.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        plain.connect(("127.0.0.1", port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = over_tls(plain) if tls else plain
        with connection:
            yield make(connection).ask


def over_tls(connection):
    """The certificate is one for development, so it is not checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context.wrap_socket(connection)
