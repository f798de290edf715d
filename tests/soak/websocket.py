"""Just enough of a WebSocket client (RFC 6455) to load a server with: messages, fragments, Pings, the end. Python alone."""
import os

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FIN = 0x80
HANDSHAKE = ("GET {} HTTP/1.1\r\nHost: soak\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


class Unexpected(Exception):
    """The server sent what it must not."""


def frame(opcode, payload=b"", last=True):
    size, mask = len(payload), os.urandom(4)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
    # One operation on numbers as long as the payload, where a loop over its bytes would take the time of the load.
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    masked = (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
    return bytes([opcode | (FIN if last else 0)]) + length + mask + masked


class WebSocket:
    """A socket that was opened. One task uses it at a time."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, reader, writer, path):
        writer.write(HANDSHAKE.format(path).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 ") or b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" not in head:
            raise Unexpected(f"no switch: {head[:60]!r}")
        return cls(reader, writer)

    def send(self, payload, opcode=BINARY, pieces=1):
        step = max(1, -(-len(payload) // pieces))
        parts = [payload[at : at + step] for at in range(0, len(payload), step)] or [b""]
        for at, part in enumerate(parts):
            self.writer.write(frame(0 if at else opcode, part, at == len(parts) - 1))

    async def receive(self):
        """Opcode and payload of the next message or control frame. Messages of this server come in one frame."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        if not first & FIN or first & 0x70 or second & 0x80:
            raise Unexpected(f"a frame that begins with {first:02x} {second:02x}")
        return first & 15, await self.reader.readexactly(size)

    async def close(self):
        """Closes, and waits for the Close of the server; messages that are on their way are let go."""
        self.writer.write(frame(CLOSE, (1000).to_bytes(2, "big")))
        while (await self.receive())[0] != CLOSE:
            pass
