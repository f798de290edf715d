"""One answer of a server, compared byte by byte with what it has to be, before anything is measured. Of the answers that are measured the load
generators check status and length."""
import json, os, socket, ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from mixes import Http2, Wrong

PATIENCE = 20
# What lg posts with -j.
JSON = b'{"id":12345,"name":"widget","tags":["a","b","c"],"price":19.95,"stock":{"paris":3,"oslo":0},"ok":true}'


def check(name, load, port):
    """Raises RuntimeError when the answer is another. HTTP/3 is not asked here: h3lg compares the content of every answer."""
    words, expected = load.of(name)
    try:
        if "-W" in words:
            echo(port, option(words, "-u", "/"), b"x" * int(option(words, "-W", "0")))
        elif load.http2:
            with connected(port, load.tls, "h2") as connection:
                Http2(connection, 4).ask()
        elif not load.http3:
            ask(port, load.tls, words, expected)
    except (HTTPException, Wrong, OSError, ValueError, SystemExit) as error:
        raise RuntimeError(f"{name}, before it was measured: {error!r}") from error


def option(words, name, otherwise):
    return words[words.index(name) + 1] if name in words else otherwise


def insecure(protocol=None):
    """The certificate is one for development, so it is not checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocol:
        context.set_alpn_protocols([protocol])
    return context


def connected(port, tls, protocol):
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    if not tls:
        return connection
    secure = insecure(protocol).wrap_socket(connection)
    if secure.selected_alpn_protocol() != protocol:
        raise Wrong(f"speaks {secure.selected_alpn_protocol()}, not {protocol}")
    return secure


def ask(port, tls, words, expected):
    path = option(words, "-u", "/plaintext")
    body = JSON if "-j" in words else b"x" * int(words[words.index("-b") + 1]) if "-b" in words else None
    connection = HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=insecure()) if tls else HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET" if body is None else "POST", path, body, {"Content-Type": "application/json"} if "-j" in words else {})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != 200 or (json.loads(content) != json.loads(JSON) if "-j" in words else content != expected):
        raise Wrong(f"{path}: answered {answer.status} with {len(content)} bytes: {content[:60]!r}, not {expected[:60]!r}")


def echo(port, path, message):
    """A message over a WebSocket, and the same back."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection, connection.makefile("rb") as answers:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        head = b"".join(iter(answers.readline, b"\r\n"))
        if not head.startswith(b"HTTP/1.1 101 ") or b"s3pplmbitxaq9kygzzhzrbk+xoo=" not in head.lower():
            raise Wrong(f"no switch: {head!r}")
        size, mask = len(message), os.urandom(4)
        length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 65536 else b"\x7f" + size.to_bytes(8, "big")
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(message))
        connection.sendall(b"\x82" + bytes([length[0] | 0x80]) + length[1:] + mask + masked)
        got = answers.read(1 + len(length) + size)
        if got != b"\x82" + length + message:
            raise Wrong(f"a message of {size} bytes came back as {got[:40]!r}")
