"""Frames of HTTP/2 (RFC 9113, section 4.1) for benchmarks that need strange clients."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK, END_STREAM, END_HEADERS = 1, 1, 4
# Of the static table (RFC 7541, appendix A): :method GET or POST, :scheme http; then :authority and :path as literals.
GET = b"\x82\x86\x01\x09localhost\x04\x0a/plaintext"
POST = b"\x83\x86\x01\x09localhost\x04\x07/upload"


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


# What a client begins with. The acknowledgement comes early, which nobody minds.
BEGIN = PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0)


def frames(connection):
    """Yields (kind, flags, stream, payload) of the frames that come."""
    got = b""
    while True:
        while len(got) < 9 or len(got) < 9 + int.from_bytes(got[:3], "big"):
            more = connection.recv(65536)
            if not more:
                raise SystemExit("the server closed")
            got += more
        end = 9 + int.from_bytes(got[:3], "big")
        if got[3] == GOAWAY:
            raise SystemExit(f"GOAWAY {got[13:17].hex()}: {got[17:end]!r}")
        yield got[3], got[4], int.from_bytes(got[5:9], "big"), got[9:end]
        got = got[end:]
