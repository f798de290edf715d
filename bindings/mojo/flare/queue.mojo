"""Requests that threads of the program pull, instead of callbacks on the server's."""

from std.memory import ArcPointer

from .api import ERROR_CLOSED, EVENT_REQUEST, Handle
from .errors import check, check_handle
from .event import EventKind
from .exchange import Exchange
from .library import ApiPointer, api
from .request import Request
from .text import place


struct Queue(Copyable):
    """Events that are pulled. Any number of threads may pull, each from a copy; each event goes to one of them.

    When the last copy is destroyed, exchanges that nobody took are answered with 500.
    """

    var _shared: ArcPointer[_Queue]

    def __init__(out self) raises:
        """Makes an empty queue.

        Raises:
            When the library is missing, or there is no memory.
        """
        self._shared = ArcPointer(_Queue())

    def handle(self) -> Handle:
        """The handle of the C API."""
        return self._shared[].handle

    def next(self, timeout_ms: Int = -1) raises -> Optional[QueueEvent]:
        """Takes the next event, and waits for it. None when the queue is closed and empty.

        Args:
            timeout_ms: How long to wait; -1 for ever.

        Raises:
            FLARE_ERROR_TIMEOUT when nothing came in time.
        """
        var library = self._shared[].api
        var kind = Int32(0)
        var request = Handle(0)
        var response = Handle(0)
        var tag = UInt64(0)
        var status = library[].queue_next(
            self.handle(), Int64(timeout_ms), place(kind), place(request), place(response), place(tag)
        )
        if status == ERROR_CLOSED:
            return None
        check(library, status)
        var exchange = Exchange(borrowed=response, request=Request(borrowed=request, api=library), api=library)
        exchange._owned = kind == EVENT_REQUEST
        return QueueEvent(EventKind(kind), Int(tag), exchange^)

    def watch(self, exchange: Exchange, *, tag: Int = 0) raises:
        """Sends the events of an exchange to this queue; its content is read with `Exchange.read`. Keep the exchange: events end with
        it."""
        check(self._shared[].api, self._shared[].api[].queue_watch(self.handle(), exchange.request._handle, UInt64(tag)))

    def close(self) raises:
        """Nothing is added any more; what is in the queue can still be taken."""
        check(self._shared[].api, self._shared[].api[].queue_close(self.handle()))


struct QueueEvent(Movable):
    """What a queue gives."""

    var kind: EventKind
    """REQUEST, or with `Queue.watch` READABLE, END, WRITABLE or CANCELLED."""

    var tag: Int
    """That of the route, or what `Queue.watch` was given."""

    var exchange: Exchange
    """With REQUEST it is kept, and answered with 500 when it is destroyed without an answer; otherwise it is borrowed from who keeps it."""

    def __init__(out self, kind: EventKind, tag: Int, var exchange: Exchange):
        self.kind = kind
        self.tag = tag
        self.exchange = exchange^


struct _Queue(Movable):
    var api: ApiPointer
    var handle: Handle

    def __init__(out self) raises:
        self.api = api()
        self.handle = check_handle(self.api, self.api[].queue_new())

    def __deinit__(deinit self):
        _ = self.api[].queue_free(self.handle)
