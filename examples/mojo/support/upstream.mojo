"""The other server of the proxy: "count N" is answered with N lines, "shout" and text up to its end with that text in upper case."""

from std.ffi import c_int, external_call

from .number import number
from .threads import Work, spawn

comptime AF_INET = c_int(2)
comptime SOCK_STREAM = c_int(1)


def start_upstream() raises -> String:
    """Starts it in a thread, and gives its address."""
    var listener = external_call["socket", c_int](AF_INET, SOCK_STREAM, c_int(0))
    # A struct sockaddr_in: the family, the port in network order, 127.0.0.1.
    var at: List[UInt8] = [UInt8(AF_INET), 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    var length = UInt32(16)
    var failed = (
        external_call["bind", c_int](listener, at.unsafe_ptr(), length) != 0
        or external_call["listen", c_int](listener, c_int(128)) != 0
        or external_call["getsockname", c_int](listener, at.unsafe_ptr(), Pointer(to=length)) != 0
    )
    if failed:
        raise Error("the other server can't listen")
    spawn(_Upstream(listener)).detach()
    return String("127.0.0.1:", Int(at[2]) * 256 + Int(at[3]))


@fieldwise_init
struct _Upstream(Work):
    var listener: c_int

    def run(mut self):
        while True:
            var fd = external_call["accept", c_int](self.listener, UInt(0), UInt(0))
            if fd < 0:
                return
            _serve(fd)
            _ = external_call["close", c_int](fd)


def _serve(fd: c_int):
    var buffer = List[UInt8](length=65536, fill=0)
    var filled = 0
    var line = -1
    while line < 0:
        var length = _read(fd, buffer, filled)
        if length <= 0:
            return
        for i in range(filled, filled + length):
            if line < 0 and buffer[i] == UInt8(ord("\n")):
                line = i
        filled += length
    if buffer[0] == UInt8(ord("c")):
        _count(fd, number(Span(buffer)[6:line], 1_000_000).or_else(0))
        return
    var start = line + 1
    while True:
        for i in range(start, filled):
            if buffer[i] >= UInt8(ord("a")) and buffer[i] <= UInt8(ord("z")):
                buffer[i] ^= 0x20
        if not _write(fd, Span(buffer)[start:filled]):
            return
        filled = _read(fd, buffer, 0)
        if filled <= 0:
            return
        start = 0


def _count(fd: c_int, n: Int):
    var lines = String()
    for i in range(1, n + 1):
        lines.write(i, "\n")
        if lines.byte_length() > 32768 or i == n:
            if not _write(fd, lines.as_bytes()):
                return
            lines = String()


def _read(fd: c_int, mut buffer: List[UInt8], at: Int) -> Int:
    return external_call["read", Int](fd, Pointer(to=buffer[at]), UInt(len(buffer) - at))


def _write(fd: c_int, bytes: Span[UInt8, _]) -> Bool:
    """All of them; False when the proxy is gone."""
    var written = 0
    while written < len(bytes):
        # 0x4000 is MSG_NOSIGNAL.
        var length = external_call["send", Int](fd, Pointer(to=bytes[written]), UInt(len(bytes) - written), c_int(0x4000))
        if length <= 0:
            return False
        written += length
    return True
