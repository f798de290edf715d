"""What each client asks the demo server, and what it must get: the same list for all of them."""
import hashlib


def content(length):
    """Bytes of which no piece looks like another."""
    return b"".join(hashlib.sha256(at.to_bytes(8, "big")).digest() for at in range(-(-length // 32)))[:length]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def case(method, path, status, answer=None, send=None):
    """`answer`: the content, or None where it does not matter. Clients get the content to send as its length."""
    return {"method": method, "path": path, "status": status, "send": send,
            "digest": None if answer is None else digest(answer)}


STREAM = b"".join(b"chunk %d\n" % number for number in range(1, 201))

CASES = [
    case("GET", "/hi/peer", 200, b"hi, peer\n"),
    case("HEAD", "/plaintext", 200, b""),
    case("GET", "/nothing/here", 404),
    case("DELETE", "/plaintext", 405),
    case("GET", "/stream/200", 200, STREAM),
    case("GET", "/later/20", 200),
    case("GET", "/slow/20", 200),
    case("GET", "/bytes/3000000", 200),
    *(case("POST", "/echo", 200, content(length), length) for length in (0, 1, 16_384, 70_000, 1_500_000)),
]
