"""A sidecar on one connection: many streams at once, each with its own answer. Here the sidecar is a thread; it upper-cases."""

import threading

from flare.mux import Mux, MuxListener

STREAMS = 100


def sidecar(listener: MuxListener) -> None:
    """Serves one connection until the other end is gone."""
    for stream in listener.accept(timeout=10):
        for data in stream:
            stream.send(data.upper(), timeout=10)
        stream.finish()


def ask_all(address: str) -> int:
    mux = Mux.connect(address)
    streams = []
    for number in range(STREAMS):
        stream = mux.open()
        stream.try_send(f"stream {number}".encode())
        stream.finish()
        streams.append(stream)
    return sum(b"".join(stream) == f"STREAM {number}".encode() for number, stream in enumerate(streams))


if __name__ == "__main__":
    # Programs on one machine use "unix:/run/sidecar.sock" or the like.
    listener = MuxListener("127.0.0.1:0")
    thread = threading.Thread(target=sidecar, args=(listener,))
    thread.start()
    right = ask_all(listener.address)
    thread.join()
    print(f"{right} of {STREAMS} streams were answered")
