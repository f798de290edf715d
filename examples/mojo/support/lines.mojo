"""Lines of standard input. Mojo's `input` loses what was sent behind a line, where the input is no terminal."""

from std.ffi import c_int, external_call


struct Lines(Movable):
    """Standard input, line by line."""

    # What was read and not given yet.
    var _held: List[UInt8]
    var _ended: Bool

    def __init__(out self):
        self._held = []
        self._ended = False

    def next(mut self) raises -> Optional[String]:
        """The next line, without its end. None when there are no more."""
        while True:
            for i in range(len(self._held)):
                if self._held[i] == UInt8(ord("\n")):
                    return self._take(i, 1)
            if self._ended:
                if len(self._held) == 0:
                    return None
                return self._take(len(self._held), 0)
            self._read()

    def _read(mut self):
        var piece = List[UInt8](length=4096, fill=0)
        var length = external_call["read", Int](c_int(0), piece.unsafe_ptr(), UInt(len(piece)))
        self._ended = length <= 0
        self._held.extend(Span(piece)[: max(length, 0)])

    def _take(mut self, length: Int, end: Int) raises -> String:
        var line = String(from_utf8=Span(self._held)[:length])
        self._held = List[UInt8](Span(self._held)[length + end :])
        return line^
