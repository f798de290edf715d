"""What is said on the WebSockets of an example, by a small client over HTTP/1.1 that hides nothing: each frame is compared."""
import base64, hashlib, os, socket, struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Unexpected(Exception):
    """It is another frame, or none."""


class Socket:
    """One WebSocket."""

    def __init__(self, port, path, limit):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=limit)
        self.input = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16))
        self.socket.sendall(b"GET %s HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                            b"Sec-WebSocket-Key: %s\r\n\r\n" % (path.encode(), key))
        status = self.input.readline()
        fields = dict(line.rstrip().lower().split(b": ", 1) for line in iter(self.input.readline, b"\r\n"))
        accepted = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        if not status.startswith(b"HTTP/1.1 101 ") or fields.get(b"sec-websocket-accept") != accepted.lower():
            raise Unexpected(f"{path}: the handshake was answered {status!r} with {fields}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.input.close()
        self.socket.close()

    def send(self, opcode, payload):
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else struct.pack("!BH" if length < 65536 else "!BQ", 0x80 | (126 if length < 65536 else 127), length)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(bytes([0x80 | opcode]) + size + mask + masked)

    def say(self, text):
        self.send(TEXT, text.encode())

    def exactly(self, count):
        data = self.input.read(count)
        if len(data) != count:
            raise Unexpected(f"the stream ended after {len(data)} of {count} bytes")
        return data

    def expect(self, opcode, payload):
        """The next frame has to be this one, whole and not masked."""
        first, length = self.exactly(2)
        if length in (126, 127):
            length = int.from_bytes(self.exactly(2 if length == 126 else 8), "big")
        found = self.exactly(length) if length < 1 << 25 else b""
        if (first, found) != (0x80 | opcode, payload):
            raise Unexpected(f"a frame {first:#x} with {len(found)} bytes {found[:60]!r}, not {0x80 | opcode:#x} with {payload[:60]!r}")

    def hear(self, text):
        self.expect(TEXT, text.encode())

    def expect_close(self, code, reason=b""):
        """A Close, and the end behind the answer to it."""
        self.expect(CLOSE, struct.pack("!H", code) + reason)
        self.send(CLOSE, struct.pack("!H", code))
        self.expect_end()

    def expect_end(self):
        if self.input.read(1):
            raise Unexpected("more follows a Close")

    def close(self, code=1000):
        self.send(CLOSE, struct.pack("!H", code))
        self.expect(CLOSE, struct.pack("!H", code))
        self.expect_end()


def chat(port, limit):
    """An echo at `/`, a chat at `/chat`."""
    with Socket(port, "/", limit) as echo:
        for opcode, payload in ((TEXT, "äöü".encode()), (BINARY, bytes(range(256)) * 300), (TEXT, b"")):
            echo.send(opcode, payload)
            echo.expect(opcode, payload)
        echo.send(PING, b"there?")
        echo.expect(PONG, b"there?")
        echo.close(4000)
    with Socket(port, "/chat?name=Ada", limit) as ada:
        ada.hear("Ada: hello")
        with Socket(port, "/chat?x=1&name=Gr%C3%A4fin+L.", limit) as other:
            for guest in (ada, other):
                guest.hear("Gräfin L.: hello")
            ada.say("who is there?")
            for guest in (ada, other):
                guest.hear("Ada: who is there?")
            other.close()
        ada.hear("Gräfin L.: bye")
        with Socket(port, "/chat", limit) as nameless:
            nameless.hear("somebody: hello")
            ada.hear("somebody: hello")
            nameless.send(BINARY, b"no text")
            nameless.expect_close(1003, b"text only")
        ada.hear("somebody: bye")
        ada.close()
