"""Just enough of the frame mux (docs/c-api/mux.md) to load a server with: streams side by side, credit, cancels. Python alone."""
import asyncio, struct

OPEN, CHUNK, DONE, ERROR, CANCEL, CREDIT = range(6)
FIRST_CREDIT = 65536
PIECE = 16384


class Over(Exception):
    """The stream, or the connection, has ended otherwise than it should."""


class Stream:
    def __init__(self):
        self.credit, self.got = FIRST_CREDIT, bytearray()
        self.done = asyncio.get_running_loop().create_future()


class Mux:
    """The connecting end. `echo` may be called by many tasks at once."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.streams, self.next = {}, 1
        self.moved = asyncio.Condition()
        self.task = asyncio.create_task(self.read())

    def open(self):
        number, self.next = self.next, self.next + 2
        self.streams[number] = stream = Stream()
        self.send(OPEN, number)
        return number, stream

    def send(self, kind, number, payload=b""):
        self.writer.write(struct.pack(">IQB", len(payload), number, kind) + payload)

    async def echo(self, content):
        """What comes back when this is sent, to the end."""
        number, stream = self.open()
        try:
            while content:
                async with self.moved:
                    await self.moved.wait_for(lambda: stream.credit or stream.done.done())
                if stream.done.done():
                    break
                piece, content = content[: min(PIECE, stream.credit)], content[min(PIECE, stream.credit) :]
                stream.credit -= len(piece)
                self.send(CHUNK, number, piece)
                await self.writer.drain()
            if not stream.done.done():
                self.send(DONE, number)
            await stream.done
        finally:
            self.streams.pop(number, None)
        return bytes(stream.got)

    def give_up(self, content, kind=CANCEL):
        """Opens a stream, sends something, and ends it in the middle."""
        number, _ = self.open()
        self.send(CHUNK, number, content[:FIRST_CREDIT])
        self.send(kind, number, b"no more" if kind == ERROR else b"")
        del self.streams[number]

    async def read(self):
        why = "the server closed"
        try:
            while True:
                size, number, kind = struct.unpack(">IQB", await self.reader.readexactly(13))
                await self.take(kind, number, await self.reader.readexactly(size))
        except (OSError, asyncio.IncompleteReadError) as error:
            why = f"connection lost: {error!r}"
        finally:
            for stream in self.streams.values():
                fail(stream, why)
            async with self.moved:
                self.moved.notify_all()

    async def take(self, kind, number, payload):
        stream = self.streams.get(number)
        if stream is None or stream.done.done():
            return  # it was given up
        if kind in (CHUNK, DONE):
            stream.got += payload
            if payload and kind == CHUNK:
                self.send(CREDIT, number, struct.pack(">I", len(payload)))
            if kind == DONE:
                stream.done.set_result(None)
        elif kind == CREDIT:
            stream.credit += int.from_bytes(payload, "big")
        else:
            fail(stream, f"the stream ended by a frame of kind {kind}: {payload!r}")
        async with self.moved:
            self.moved.notify_all()

    async def close(self):
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass


def fail(stream, why):
    if not stream.done.done():
        stream.done.set_exception(Over(why))
        stream.done.exception()  # nobody may be waiting any more
