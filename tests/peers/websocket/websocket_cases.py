"""What each WebSocket client does with the demo server, and what must come of it: the same list for all of them.

A client gets a case as JSON, does it on a connection of its own, and says what came of it.
"""


def case(do, expected, *, path="/ws", but=None, **rest):
    """`expected`: what the client must say. `but`: the same of some clients that can't see as much."""
    return {"do": do, "path": path, "expected": expected, "but": but or {}, **rest}


def echo(kind, length, count=1, fragments=1):
    """Sends so many messages at once, each in so many frames, and compares what comes back."""
    return case("echo", "same", kind=kind, length=length, count=count, fragments=fragments)


LENGTHS = (0, 1, 125, 126, 65_535, 65_536, 1_000_000)
# A library that can't cut a message into frames, or choose its fields, leaves the case out and says so.
CASES = [
    *(echo(kind, length) for kind in ("text", "binary") for length in LENGTHS),
    echo("text", 100, count=1000),
    echo("binary", 70_000, count=50),
    case("echo", "same", but={"undici": "can't"}, kind="text", length=10_000, count=2, fragments=7),
    case("extensions", True),
    case("ping", "pong", but={"undici": "can't"}),
    # Its own code comes back, without its words.
    case("close", [4001, ""], code=4001, reason="bye"),
    case("close", [1000, ""], code=1000, reason=""),
    case("too big", 1009, length=(16 << 20) + 1),
    case("refused", 404, path="/nowhere", but={"undici": "error"}),
    case("origin", 403, origin="https://other.test", but={"undici": "can't"}),
    case("chat", ["hello", "hello"], path="/chat", text="hello"),
]
