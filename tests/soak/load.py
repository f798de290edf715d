"""The load: clients of every kind on every wire, each a task that goes on until the time is over. What comes back is checked.

    load.py PORT TLS_PORT SECONDS UPSTREAM MUX    the last line is JSON: how often each kind went well, and what went wrong

UPSTREAM is the path of a Unix socket on which this program answers the server's /proxy, MUX that on which the server has its mux."""
import asyncio, collections, json, random, socket, ssl, struct, sys, time

import http3
from http2 import Http2, Lost
from mux import CANCEL, ERROR, Mux, Over
from websocket import BINARY, PING, PONG, TEXT, Unexpected, WebSocket

PACE = 0.02  # seconds between two exchanges of a client: the load is steady, and does not fill the machine
PATIENCE = 60  # for a round of a client, also where it shares its core with others
MIB = 1 << 20
HEAD = "{} {} HTTP/1.1\r\nHost: soak\r\n{}\r\n"


class Wrong(Exception):
    """An answer that is not what it has to be."""


class Target:
    """Where the clients go. `tls`: None for plain text."""

    def __init__(self, port, tls=None):
        self.port, self.tls = port, tls

    async def open(self):
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls, limit=MIB)


class UnixTarget:
    """The same for a Unix socket."""

    tls = None

    def __init__(self, path):
        self.path = path

    async def open(self):
        return await asyncio.open_unix_connection(self.path, limit=MIB)


def insecure(protocol):
    """The certificate is one for development, so it is not checked."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context


def request(method, path, fields="", content=b""):
    if content:
        fields += f"Content-Length: {len(content)}\r\n"
    return HEAD.format(method, path, fields).encode() + content


async def head(reader):
    """Status and fields of the next answer."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:] if line)


async def content(reader, fields, pause=0.0, piece=64 << 10):
    """Reads the content and says how long it was. `pause`: between two pieces."""
    if "content-length" in fields:
        left = int(fields["content-length"])
        total = left
        while left:
            got = len(await reader.read(min(left, piece)))
            if not got:
                raise Wrong("the content was cut")
            left -= got
            await asyncio.sleep(pause)
        return total
    total = 0
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
        total += size
        await asyncio.sleep(pause)
    await reader.readuntil(b"\r\n")
    return total


async def expect(reader, length=None, status=200, **how):
    got, fields = await head(reader)
    size = await content(reader, fields, **how)
    if got != status or length is not None and size != length:
        raise Wrong(f"{got} with {size} bytes instead of {status} with {length}")


async def close(writer):
    writer.close()
    try:
        await writer.wait_closed()
    except (OSError, ssl.SSLError):
        pass  # the peer was faster


def reset(writer):
    """Closes so that the server gets a reset."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# ---- what a client does, once

async def small(target, dice):
    """Many small requests on a connection that stays, some of them in one write."""
    reader, writer = await target.open()
    for _ in range(20):
        at_once = dice.choice([1, 1, 1, 16])
        writer.write(request("GET", "/plaintext") * at_once)
        for _ in range(at_once):
            await expect(reader, 13)
        await asyncio.sleep(PACE)
    await close(writer)


async def churn(target, dice):
    """A connection for each request."""
    reader, writer = await target.open()
    writer.write(request("GET", dice.choice(["/json", "/hi/soak", "/later/5", "/slow/2"]), "Connection: close\r\n"))
    await expect(reader)
    if await reader.read(1):
        raise Wrong("bytes behind the last answer")
    await close(writer)


async def upload(target, dice):
    """Content with a length, which is counted, and content in chunks, which comes back."""
    reader, writer = await target.open()
    size = dice.choice([1, 1000, 100_000, 2 * MIB])
    writer.write(request("POST", "/upload", content=b"u" * size))
    await writer.drain()
    await expect(reader)
    sizes = [dice.randrange(1, 20_000) for _ in range(10)]
    writer.write(request("POST", "/", "Transfer-Encoding: chunked\r\n"))
    for size in sizes:
        writer.write(b"%x\r\n" % size + b"c" * size + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)
    writer.write(b"0\r\n\r\n")
    await expect(reader, sum(sizes))
    await close(writer)


async def download(target, dice):
    """Large answers: from memory, from a source in chunks, a file by sendfile."""
    reader, writer = await target.open()
    for path, length in (("/1m", MIB), ("/stream/2000", None), ("/files/big", 3 * MIB), ("/bytes/70000", 70_000)):
        writer.write(request("GET", path))
        await expect(reader, length)
        await asyncio.sleep(PACE)
    await close(writer)


async def bytestream(target, dice, path="/echo"):
    """Both ways at once: what is sent comes back while more is sent."""
    reader, writer = await target.open()
    writer.write(request("POST", path, "Transfer-Encoding: chunked\r\n"))
    status, fields = None, None
    for _ in range(20):
        size = dice.randrange(1, 30_000)
        writer.write(b"%x\r\n" % size + b"e" * size + b"\r\n")
        await writer.drain()
        if status is None:
            status, fields = await head(reader)
        left = size
        while left > 0:
            piece = int(await reader.readuntil(b"\r\n"), 16)
            await reader.readexactly(piece + 2)
            left -= piece
        if left or status != 200:
            raise Wrong(f"{status}, {left} bytes are left")
    writer.write(b"0\r\n\r\n")
    if await content(reader, {}):
        raise Wrong("bytes behind the end")
    await close(writer)


async def relayed(target, dice):
    """The same through a relay to an upstream."""
    await bytestream(target, dice, "/proxy")


async def slow(target, dice):
    """A head and content byte by byte, and an answer that is read slowly; some leave in the middle."""
    reader, writer = await target.open()
    for byte in request("GET", "/1m"):
        writer.write(bytes([byte]))
        await asyncio.sleep(0.01)
    if dice.random() < 0.3:
        await reader.read(1000)
        return reset(writer)
    await expect(reader, MIB, pause=0.02, piece=16 << 10)
    writer.write(request("POST", "/upload", "Content-Length: 100\r\n"))
    for _ in range(100):
        writer.write(b"s")
        await asyncio.sleep(0.005)
    await expect(reader)
    await close(writer)


async def leave(target, dice):
    """A reset, or a close, at any phase of a request and of its answer."""
    reader, writer = await target.open()
    whole = request("POST", "/echo", content=b"l" * 50_000)
    writer.write(whole[: dice.choice([0, 1, 20, 60, 1000, 40_000, len(whole)])])
    if dice.random() < 0.5:
        await asyncio.sleep(dice.random() * 0.01)
    if dice.random() < 0.3 and target.tls is None:
        await close(writer)
    else:
        reset(writer)


async def side_by_side(ask, dice, wire):
    """Exchanges on streams of one connection at the same time; some are given up."""

    async def one(method, path, length, send=b""):
        ok, size = await ask(method, path, send)
        if not ok or length is not None and size != length:
            raise Wrong(f"{wire} {method} {path}: {ok}, {size} bytes instead of {length}")

    asked = [one("GET", "/plaintext", 13) for _ in range(10)]
    asked += [one("GET", "/bytes/40000", 40_000), one("GET", "/json", None), one("GET", "/later/5", None), one("GET", "/stream/500", None)]
    size = dice.randrange(1, 200_000)
    asked += [one("POST", "/echo", size, b"2" * size), one("POST", "/upload", None, b"u" * size)]
    for _ in range(2):
        await ask("GET", "/1m", reset=True)
    await asyncio.gather(*asked)


async def streams(target, dice):
    """A connection of HTTP/2: streams side by side, uploads, downloads, and streams that are given up."""
    wire = Http2(*await target.open())
    try:
        for _ in range(10):
            await side_by_side(wire.ask, dice, "HTTP/2")
            await asyncio.sleep(PACE)
    finally:
        if dice.random() < 0.2:
            reset(wire.writer)
        await wire.close()


async def quic(target, dice):
    """The same over HTTP/3. The client takes most of the time, so there are fewer rounds."""
    async with http3.connected(target.port) as wire:
        for _ in range(2):
            await side_by_side(wire.ask, dice, "HTTP/3")
            await asyncio.sleep(PACE)


async def vanish(target, dice):
    await http3.vanish(target.port)


async def messages(target, dice):
    """A WebSocket: messages of all sizes, in pieces and at once, and Pings, come back; some leave in the middle."""
    reader, writer = await target.open()
    socket = await WebSocket.open(reader, writer, "/")
    for _ in range(10):
        sent = [dice.randbytes(dice.choice([0, 1, 125, 126, 1000, 65_535, 70_000])) for _ in range(dice.choice([1, 1, 5]))]
        for message in sent:
            socket.send(message, pieces=dice.choice([1, 1, 3]))
        socket.send(b"still there?", PING)
        await writer.drain()
        left = [(BINARY, message) for message in sent] + [(PONG, b"still there?")]
        while left:
            got = await socket.receive()
            if got not in left:
                raise Wrong(f"a frame of kind {got[0]} with {len(got[1])} bytes that nobody sent")
            left.remove(got)
        await asyncio.sleep(PACE)
    if dice.random() < 0.3:
        return reset(writer)
    await socket.close()
    await close(writer)


async def chat(target, dice):
    """A WebSocket that hears what others say, and now and then says something. It reads slowly for a while, and leaves."""
    reader, writer = await target.open()
    socket = await WebSocket.open(reader, writer, "/chat")
    said = f"{dice.random()} {'c' * dice.randrange(2000)}".encode()
    socket.send(said, TEXT)
    heard = 0
    while await socket.receive() != (TEXT, said):
        heard += 1
        if heard > 10_000:
            raise Wrong("its own words did not come back")
    for _ in range(20):
        socket.send(b"more", TEXT)
        await asyncio.sleep(0.02)
    if dice.random() < 0.3:
        return reset(writer)
    await socket.close()
    await close(writer)


async def multiplexed(target, dice):
    """Streams of a mux side by side, of which some are given up; some connections leave in the middle."""
    reader, writer = await target.open()
    mux = Mux(reader, writer)

    async def one(content):
        if await mux.echo(content) != content:
            raise Wrong("a stream of the mux gave something else back")

    try:
        for _ in range(10):
            sent = [dice.randbytes(dice.choice([0, 1, 1000, 20_000, 150_000])) for _ in range(dice.choice([1, 3, 8]))]
            asked = [asyncio.create_task(one(content)) for content in sent]
            await asyncio.sleep(0)
            mux.give_up(b"g" * dice.randrange(100_000), dice.choice([CANCEL, ERROR]))
            if dice.random() < 0.05:
                reset(writer)
                await asyncio.gather(*asked, return_exceptions=True)
                return
            await asyncio.gather(*asked)
            await asyncio.sleep(PACE)
    finally:
        await mux.close()
        await close(writer)


# ---- all of them

def kinds(plain, h1, h2, mux):
    """Name, what is done, where, and how many at once."""
    yield "small", small, plain, 6
    yield "churn", churn, plain, 3
    yield "upload", upload, plain, 2
    yield "download", download, plain, 2
    yield "byte stream", bytestream, plain, 2
    yield "relayed", relayed, plain, 2
    yield "slow", slow, plain, 15
    yield "leave", leave, plain, 2
    yield "h2c", streams, plain, 2
    yield "TLS small", small, h1, 3
    yield "TLS churn", churn, h1, 1
    yield "TLS upload", upload, h1, 1
    yield "TLS download", download, h1, 1
    yield "TLS leave", leave, h1, 1
    yield "TLS slow", slow, h1, 4
    yield "TLS h2", streams, h2, 2
    yield "WebSocket", messages, plain, 3
    yield "WebSocket chat", chat, plain, 6
    yield "TLS WebSocket", messages, h1, 1
    yield "HTTP/3", quic, h1, 2
    yield "HTTP/3 vanish", vanish, h1, 1
    yield "mux", multiplexed, mux, 1


async def client(name, deed, target, until, seed, done, wrong):
    dice = random.Random(seed)
    while time.monotonic() < until:
        try:
            await asyncio.wait_for(deed(target, dice), PATIENCE)
            done[name] += 1
        except (OSError, EOFError, Wrong, Unexpected, Lost, Over, ValueError, asyncio.TimeoutError, asyncio.LimitOverrunError) as error:
            wrong[f"{name}: {error!r}"] += 1
        await asyncio.sleep(PACE * (0.5 + dice.random()))


async def upstream(reader, writer):
    """Gives everything back."""
    try:
        while piece := await reader.read(64 << 10):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass  # the client of the relay has left
    await close(writer)


async def main(port, tls_port, seconds, path, mux):
    server = await asyncio.start_unix_server(upstream, path)
    until = time.monotonic() + seconds
    done, wrong = collections.Counter(), collections.Counter()
    targets = Target(port), Target(tls_port, insecure("http/1.1")), Target(tls_port, insecure("h2")), UnixTarget(mux)
    clients = [
        client(name, deed, target, until, f"{name} {number}", done, wrong)
        for name, deed, target, count in kinds(*targets)
        for number in range(count)
    ]
    await asyncio.gather(*clients)
    server.close()
    print(json.dumps({"done": done, "wrong": wrong}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:]))
