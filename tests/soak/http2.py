"""Just enough of an HTTP/2 client (RFC 9113) to load a server with: streams of one connection, windows, resets. Python alone."""
import asyncio, struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
WINDOW = 1 << 20  # of each stream of ours
CREDIT = 256 << 10  # given back in steps of this much
CANCEL = 8
FRAME = 16384


class Lost(Exception):
    """The connection, or the stream, is over."""


class Answer:
    def __init__(self, window):
        self.status_ok, self.length, self.window, self.owed = False, 0, window, 0
        self.done = asyncio.get_running_loop().create_future()


class Http2:
    """A connection. `ask` may be called by many tasks at once."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.answers, self.next, self.over = {}, 1, None
        self.window, self.first_window, self.owed = 65535, 65535, 0
        self.moved = asyncio.Condition()
        writer.write(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HIHI", 2, 0, 4, WINDOW)) + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 8 << 20)))
        self.task = asyncio.create_task(self.read())

    async def ask(self, method, path, content=b"", reset=False):
        """(whether the status is 200, bytes of content). `reset`: gives the stream up at once instead, and returns None."""
        if self.over:
            raise Lost(self.over)
        stream, self.next = self.next, self.next + 2
        answer = self.answers[stream] = Answer(self.first_window)
        fields = [(":method", method), (":scheme", "http"), (":authority", "soak"), (":path", path)]
        # Literals without an index: nothing has to be kept (RFC 7541, 6.2.2).
        block = b"".join(b"\0" + text(name) + text(value) for name, value in fields)
        self.writer.write(frame(HEADERS, END_HEADERS | (0 if content else END_STREAM), stream, block))
        if reset:
            del self.answers[stream]
            self.writer.write(frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL)))
            return None
        try:
            await self.send(stream, answer, content)
            await answer.done
        finally:
            self.answers.pop(stream, None)
        return answer.status_ok, answer.length

    async def send(self, stream, answer, content):
        while content:
            async with self.moved:
                await self.moved.wait_for(lambda: self.over or answer.done.done() or min(self.window, answer.window) > 0)
                if self.over or answer.done.done():
                    return
                piece = content[: min(self.window, answer.window, FRAME)]
                self.window, answer.window = self.window - len(piece), answer.window - len(piece)
            content = content[len(piece) :]
            self.writer.write(frame(DATA, 0 if content else END_STREAM, stream, piece))
            await self.writer.drain()

    async def read(self):
        try:
            while True:
                head = await self.reader.readexactly(9)
                kind, flags, stream = head[3], head[4], int.from_bytes(head[5:9], "big")
                payload = await self.reader.readexactly(int.from_bytes(head[:3], "big"))
                await self.take(kind, flags, stream, payload)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.over = self.over or f"connection lost: {error!r}"
        finally:
            self.over = self.over or "closed"
            for answer in self.answers.values():
                fail(answer, Lost(self.over))
            async with self.moved:
                self.moved.notify_all()

    async def take(self, kind, flags, stream, payload):
        answer = self.answers.get(stream)
        if kind == DATA:
            self.give_back(stream, answer, len(payload), flags & END_STREAM)
        elif kind == HEADERS and answer:
            # Our peer sends :status first, and 200 is entry 8 of the static table; the size of its table may come before.
            rest = payload.lstrip(bytes(range(0x20, 0x40)))
            answer.status_ok = answer.status_ok or rest[:1] == b"\x88"
        elif kind == RST_STREAM and answer:
            fail(answer, Lost(f"stream reset: {int.from_bytes(payload, 'big')}"))
        elif kind == SETTINGS and not flags & ACK:
            self.settings(payload)
            self.writer.write(frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            self.writer.write(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY and int.from_bytes(payload[4:8], "big"):
            self.over = f"GOAWAY {int.from_bytes(payload[4:8], 'big')} {payload[8:]!r}"
        elif kind == WINDOW_UPDATE and (answer or not stream):
            if stream:
                answer.window += int.from_bytes(payload, "big")
            else:
                self.window += int.from_bytes(payload, "big")
        if kind in (DATA, HEADERS) and flags & END_STREAM and answer and not answer.done.done():
            answer.done.set_result(None)
        async with self.moved:
            self.moved.notify_all()

    def give_back(self, stream, answer, length, last):
        self.owed += length
        if self.owed >= CREDIT:
            self.writer.write(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", self.owed)))
            self.owed = 0
        if answer:
            answer.length += length
            answer.owed += length
            if answer.owed >= CREDIT and not last:
                self.writer.write(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", answer.owed)))
                answer.owed = 0

    def settings(self, payload):
        for at in range(0, len(payload), 6):
            name, value = struct.unpack(">HI", payload[at : at + 6])
            if name == 4:
                for answer in self.answers.values():
                    answer.window += value - self.first_window
                self.first_window = value

    async def close(self):
        self.over = self.over or "closed"
        self.task.cancel()
        self.writer.close()
        try:
            await self.task
        except asyncio.CancelledError:
            pass


def fail(answer, error):
    if not answer.done.done():
        answer.done.set_exception(error)
        answer.done.exception()  # nobody may be waiting any more


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def text(value):
    assert len(value) < 127
    return bytes([len(value)]) + value.encode()
