"""Content that is made while the client takes it."""

from .api import ERROR_IO, ERROR_WOULD_BLOCK, Address, DestroyCallback, Handle, Room, SourceCallback
from .boxed import behind, boxed, unbox
from .failure import fail
from .library import ApiPointer


trait Source(Movable, Deinitable):
    """Gives content piece by piece. It is called on the worker, which it must not block."""

    def pull(mut self, mut piece: Piece) raises:
        """Writes the next piece, or ends the content.

        What neither writes nor ends is asked again after `Exchange.flush()`. What raises cuts the connection, so that the client
        sees that the answer is not whole.
        """
        ...


struct Piece(Writer):
    """Room for a piece of content, at least 16,384 bytes."""

    var _room: Span[UInt8, MutUntrackedOrigin]
    var _length: Int
    var _ended: Bool
    var _overflown: Bool

    def __init__(out self, room: Span[UInt8, MutUntrackedOrigin]):
        self._room = room
        self._length = 0
        self._ended = False
        self._overflown = False

    def capacity(self) -> Int:
        """How many bytes still fit."""
        return len(self._room) - self._length

    def write_string(mut self, text: StringSpan):
        """Adds text, if all of it fits; otherwise the answer is cut."""
        self.write_bytes(text.as_bytes())

    def write_bytes(mut self, bytes: Span[UInt8, _]):
        """Adds bytes, if all of them fit; otherwise the answer is cut."""
        if len(bytes) > self.capacity():
            self._overflown = True
            return
        for i in range(len(bytes)):
            self._room[self._length + i] = bytes[i]
        self._length += len(bytes)

    def end(mut self):
        """There is no more content behind what was written."""
        self._ended = True


struct _Pulled[S: Source](Movable):
    """A source at work."""

    var source: Self.S
    # It has said that it ended with its last piece.
    var ended: Bool
    # The exchange, which is held so that a failure can be told; 0 before the answer is sent.
    var response: Handle

    def __init__(out self, var source: Self.S):
        self.source = source^
        self.ended = False
        self.response = 0


def _pull[S: Source](room: Room, capacity: UInt, user: Address) abi("C") -> Int64:
    ref box = behind[_Pulled[S]](user)
    if box.value.ended:
        return 0
    var piece = Piece(Span[UInt8, MutUntrackedOrigin](unsafe_ptr=room.value(), length=Int(capacity)))
    try:
        box.value.source.pull(piece)
        if piece._overflown:
            raise Error("a source wrote more than fits into a piece")
    except error:
        _ = fail(box.api, box.value.response, error)
        return Int64(ERROR_IO)
    box.value.ended = piece._ended
    if piece._length == 0 and not piece._ended:
        return Int64(ERROR_WOULD_BLOCK)
    return Int64(piece._length)


def _attach[S: Source](user: Address, response: Handle):
    ref box = behind[_Pulled[S]](user)
    if box.api[].response_retain(response) == 0:
        box.value.response = response


def _drop[S: Source](user: Address) abi("C"):
    ref box = behind[_Pulled[S]](user)
    var api = box.api
    var response = box.value.response
    unbox[_Pulled[S]](user)
    if response != 0:
        _ = api[].response_release(response)


struct SourceHolder(Movable):
    """A source of any type, in an answer that was not sent yet."""

    var _user: Address
    var _length: Int64
    var _pull: SourceCallback
    var _attach: def(Address, Handle) thin -> None
    var _drop: DestroyCallback

    def __init__[S: Source](out self, api: ApiPointer, var source: S, length: Int):
        self._user = boxed(api, _Pulled(source^))
        self._length = Int64(length)
        self._pull = _pull[S]
        self._attach = _attach[S]
        self._drop = _drop[S]

    def __deinit__(deinit self):
        if self._user:
            self._drop(self._user)

    def send(mut self, api: ApiPointer, response: Handle, status: Int32) -> Int32:
        """Gives the source to the library, which destroys it."""
        var user = self._user
        self._user = None
        self._attach(user, response)
        return api[].response_send_source(response, status, self._length, self._pull, user, self._drop)
