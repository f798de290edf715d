"""What happens to an exchange."""

from .api import (
    EVENT_CANCELLED,
    EVENT_DATA,
    EVENT_DATAGRAM,
    EVENT_END,
    EVENT_HEAD,
    EVENT_INFORMATIONAL,
    EVENT_READABLE,
    EVENT_REQUEST,
    EVENT_SWITCHED,
    EVENT_WRITABLE,
    PAUSE,
    Bytes,
)


@fieldwise_init
struct EventKind(Equatable, ImplicitlyCopyable):
    """Which event it is."""

    var _code: Int32

    comptime REQUEST = EventKind(Int32(EVENT_REQUEST))
    """A request came; only from a queue."""

    comptime DATA = EventKind(Int32(EVENT_DATA))
    """Some content of the request; not from a queue."""

    comptime DATAGRAM = EventKind(Int32(EVENT_DATAGRAM))
    """A datagram, behind `Exchange.switch_to_datagrams`; not from a queue."""

    comptime END = EventKind(Int32(EVENT_END))
    """The request has ended; its trailers can be read."""

    comptime WRITABLE = EventKind(Int32(EVENT_WRITABLE))
    """Writes are taken again, after one was refused."""

    comptime CANCELLED = EventKind(Int32(EVENT_CANCELLED))
    """The exchange is over, and this is its last event."""

    comptime READABLE = EventKind(Int32(EVENT_READABLE))
    """`Exchange.read` finds content, or `Exchange.read_datagram` a datagram; only from a queue."""

    comptime INFORMATIONAL = EventKind(Int32(EVENT_INFORMATIONAL))
    """An interim answer has come; only from a `Client`."""

    comptime HEAD = EventKind(Int32(EVENT_HEAD))
    """The head of the answer has come; only from a `Client`."""

    comptime SWITCHED = EventKind(Int32(EVENT_SWITCHED))
    """The server took the protocol that was offered; only from a `Client`."""


struct Event(Movable):
    """Something that happened to an exchange."""

    var kind: EventKind
    var _start: Bytes
    var _length: Int

    def __init__(out self, kind: EventKind, start: Bytes, length: Int):
        self.kind = kind
        self._start = start
        self._length = length

    def data(self) -> Span[UInt8, ImmOrigin(origin_of(self))]:
        """The content that came, with DATA, or the datagram, with DATAGRAM; otherwise nothing."""
        if not self._start:
            return Span[UInt8, ImmOrigin(origin_of(self))]()
        return Span[UInt8, ImmOrigin(origin_of(self))](
            unsafe_ptr=self._start.value().unsafe_origin_cast[ImmOrigin(origin_of(self))](), length=self._length
        )


@fieldwise_init
struct Flow(Equatable, ImplicitlyCopyable):
    """Whether more content is wanted."""

    var _code: Int32

    comptime CONTINUE = Flow(0)
    comptime PAUSE = Flow(Int32(PAUSE))
    """No more until `Exchange.resume`."""
