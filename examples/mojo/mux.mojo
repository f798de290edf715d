"""A sidecar on one connection: many streams at once, each with its own answer. Here the sidecar is a thread; it upper-cases."""

from std.memory import ArcPointer

from flare import Mux, MuxListener, MuxStream
from support.threads import Work, spawn

comptime STREAMS = 100
comptime SECONDS = 10 * 1000


def answer(stream: MuxStream) raises:
    """Answers one stream as its bytes come."""
    var buffer = List[UInt8](length=4096, fill=0)
    while True:
        var length = stream.read(buffer, SECONDS)
        if length == 0:
            stream.finish()
            return
        for i in range(length):
            if buffer[i] >= UInt8(ord("a")) and buffer[i] <= UInt8(ord("z")):
                buffer[i] ^= 0x20
        stream.write_blocking(Span(buffer)[:length], SECONDS)


@fieldwise_init
struct Sidecar(Work):
    """Serves one connection until the other end is gone."""

    var listener: ArcPointer[MuxListener]

    def run(mut self):
        try:
            var mux = self.listener[].accept(SECONDS)
            while True:
                answer(mux.accept())
        except:
            # The other end is gone.
            return


def ask(mux: Mux, number: Int) raises -> MuxStream:
    """Sends one line and says that it was all."""
    var stream = mux.open()
    stream.write(String("stream ", number).as_bytes())
    stream.finish()
    return stream^


def is_right(stream: MuxStream, number: Int) raises -> Bool:
    """Reads the answer to the end, and compares it."""
    var buffer = List[UInt8](length=32, fill=0)
    var text = String()
    while True:
        var length = stream.read(buffer, SECONDS)
        if length == 0:
            return text == String("STREAM ", number)
        text += String(from_utf8=Span(buffer)[:length])


def main() raises:
    # Programs on one machine use "unix:/run/sidecar.sock" or the like.
    var listener = ArcPointer(MuxListener("127.0.0.1:0"))
    var thread = spawn(Sidecar(listener))
    var right = 0
    var mux = Mux.connect(listener[].address(), SECONDS)
    var streams = List[MuxStream]()
    for number in range(STREAMS):
        streams.append(ask(mux, number))
    for number in range(STREAMS):
        right += Int(is_right(streams[number], number))
    # The connection ends here, with its last stream, and the sidecar with it.
    _ = streams^
    thread.join()
    print(right, "of", STREAMS, "streams were answered")
