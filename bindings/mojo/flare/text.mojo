"""Texts on their way into the library, which wants them to end with NUL."""

from std.ffi import c_int, external_call

from .api import Bytes, Place, Room, Text


def terminated(mut text: String, what: StaticString) raises -> Text:
    """The text with a NUL behind it, for the next call. Whoever asks keeps `text` until that has returned (`_ = text^`), because Mojo
    destroys a value after its last use.

    Raises:
        When there is a NUL in it: the library would see its beginning only.
    """
    var bytes = text.as_bytes()
    if external_call["memchr", UInt](bytes.unsafe_ptr(), c_int(0), UInt(len(bytes))) != 0:
        raise Error("FLARE_ERROR_INVALID_ARGUMENT: ", what, " has a NUL in it")
    return text.as_c_string_span().ptr().unsafe_origin_cast[ImmUntrackedOrigin]()


def bytes_of(data: Span[UInt8, _]) -> Bytes:
    """Bytes for the next call. Whoever asks keeps them until that has returned."""
    return data.unsafe_ptr().unsafe_mut_cast[False]().unsafe_origin_cast[ImmUntrackedOrigin]()


def place[T: AnyType](mut value: T) -> Place[T]:
    """Where the next call puts a result, to be read after it."""
    return Pointer(to=value).unsafe_origin_cast[MutUntrackedOrigin]()


def room(mut buffer: List[UInt8]) -> Room:
    """Where the next call puts bytes."""
    return buffer.unsafe_ptr().unsafe_origin_cast[MutUntrackedOrigin]()


def literal(text: StringLiteral) -> Text:
    """A text of the program's own, which ends with NUL and is never freed."""
    return text.as_c_string_span().ptr().unsafe_origin_cast[ImmUntrackedOrigin]()
