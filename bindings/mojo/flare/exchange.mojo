"""One request, its answer, and whether anybody still waits for it."""

from .api import ERROR_WOULD_BLOCK, Address, Bytes, Handle, Text
from .boxed import behind, boxed, unbox
from .errors import check
from .event import Event, EventKind, Flow
from .failure import fail
from .fields import Field
from .library import ApiPointer
from .request import Request
from .response import Response
from .text import bytes_of, place, room, terminated


struct Exchange(Movable):
    """A request with the right to answer it.

    A handler borrows it for the call; `keep` gives one that may be answered later, from any thread. When the last that was kept is
    destroyed without an answer, the client gets 500.
    """

    var request: Request
    var _api: ApiPointer
    var _handle: Handle
    var _owned: Bool

    def __init__(out self, *, borrowed: Handle, var request: Request, api: ApiPointer):
        self.request = request^
        self._api = api
        self._handle = borrowed
        self._owned = False

    def __deinit__(deinit self):
        if self._owned:
            _ = self._api[].response_release(self._handle)

    def keep(self) raises -> Exchange:
        """The same exchange, to be answered after the handler has returned.

        Raises:
            When it is over, or 65,535 hold it.
        """
        check(self._api, self._api[].response_retain(self._handle))
        var kept = Exchange(
            borrowed=self._handle, request=Request(borrowed=self.request._handle, api=self._api), api=self._api
        )
        kept._owned = True
        return kept^

    def answer(mut self, var response: Response) raises:
        """Answers.

        Raises:
            FLARE_ERROR_FINISHED when it was answered before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for the
            answer; FLARE_ERROR_INVALID_ARGUMENT for a field or status that can't be sent. Then it can still be answered.
        """
        check(self._api, response._send(self._api, self._handle))

    def add_header(mut self, var name: String, var value: String) raises:
        """Adds a header field to the answer that will be sent.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT when it can't be sent, and as `answer`.
        """
        var status = self._api[].response_add_header(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def set_header(mut self, var name: String, var value: String) raises:
        """The same, in place of all others of its name."""
        var status = self._api[].response_set_header(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def add_trailer(mut self, var name: String, var value: String) raises:
        """Adds a trailer field, which is sent behind the content. HTTP/1.0 clients don't get it."""
        var status = self._api[].response_add_trailer(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def inform(mut self, status: Int, var fields: List[Field] = List[Field]()) raises:
        """Sends an interim answer before the final one, such as 103 with a Link. HTTP/1.0 clients don't get it.

        Args:
            status: 102 to 199.
            fields: Its header fields.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for a status or field that can't be sent, and as `answer`.
        """
        var names = List[Text]()
        var values = List[Text]()
        for ref field in fields:
            names.append(terminated(field.name, "the name of a field"))
            values.append(terminated(field.value, "the value of a field"))
        var result = self._api[].response_inform(
            self._handle,
            Int32(status),
            names.unsafe_ptr().unsafe_mut_cast[False]().unsafe_origin_cast[ImmUntrackedOrigin](),
            values.unsafe_ptr().unsafe_mut_cast[False]().unsafe_origin_cast[ImmUntrackedOrigin](),
            UInt(len(names)),
        )
        _ = names^
        _ = values^
        _ = fields^
        check(self._api, result)

    def start(mut self, status: Int = 200) raises:
        """Sends the head of an answer; the content follows with `write` and ends with `finish`. A header "content-length" that was set
        before says how much will come; without one it is sent in chunks."""
        check(self._api, self._api[].response_start(self._handle, Int32(status)))

    def write(mut self, data: Span[UInt8, _]) raises -> Bool:
        """Gives some content, which is copied whole, or refused: False says that so much waits for the client that nothing was taken,
        and WRITABLE says when to go on. Starts the answer, with 200, if it was not started.

        Raises:
            FLARE_ERROR_FINISHED after the end; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for the answer.
        """
        var status = self._api[].response_write(self._handle, bytes_of(data), UInt(len(data)))
        if status == ERROR_WOULD_BLOCK:
            return False
        check(self._api, status)
        return True

    def write(mut self, text: StringSpan) raises -> Bool:
        """The same, with text."""
        return self.write(text.as_bytes())

    def write_blocking(mut self, data: Span[UInt8, _]) raises:
        """The same, but waits while the client has to take some of the answer first. Not on a worker, where it raises instead of
        waiting."""
        check(self._api, self._api[].response_write_blocking(self._handle, bytes_of(data), UInt(len(data))))

    def finish(mut self) raises:
        """Ends an answer that was started, or sends what was drafted: its headers and no content."""
        check(self._api, self._api[].response_finish(self._handle))

    def switch_protocol(mut self, var protocol: String) raises:
        """Accepts a protocol that the client offers (`Request.offered_protocol`), with the header fields that were set. From then on both
        directions are a stream of bytes: `drive` behind this call, or `read`, give what the client sends, `write` sends, and `finish` closes.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT when the client does not offer it; the exchange can still be answered. And as `answer`.
        """
        var status = self._api[].response_switch_protocol(self._handle, terminated(protocol, "the protocol"))
        _ = protocol^
        check(self._api, status)

    def switch_to_datagrams(mut self, var protocol: String) raises:
        """Accepts a protocol with datagrams (RFC 9297) that the client offers, with the header fields that were set. From then on `drive` behind
        this call, or `read_datagram`, give what the client sends, `send_datagram` sends, and `finish` closes. Datagrams may be lost; how they
        travel is the library's matter.

        Raises:
            As `switch_protocol`.
        """
        var status = self._api[].response_switch_to_datagrams(self._handle, terminated(protocol, "the protocol"))
        _ = protocol^
        check(self._api, status)

    def send_datagram(mut self, datagram: Span[UInt8, _]) raises -> Bool:
        """Sends a datagram, which is copied whole, or refused: False says that so many wait for the client that it was not taken. That it
        was taken does not say that it arrives.

        Raises:
            FLARE_ERROR_LIMIT when it is longer than `max_datagram_size`; FLARE_ERROR_INVALID_ARGUMENT when the exchange has no datagrams;
            FLARE_ERROR_FINISHED after the end; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when it is over.
        """
        var status = self._api[].response_send_datagram(self._handle, bytes_of(datagram), UInt(len(datagram)))
        if status == ERROR_WOULD_BLOCK:
            return False
        check(self._api, status)
        return True

    def send_datagram(mut self, text: StringSpan) raises -> Bool:
        """The same, with text."""
        return self.send_datagram(text.as_bytes())

    def max_datagram_size(self) raises -> Int:
        """How long a datagram to the client may be now, in bytes; 0 when the exchange has none. It changes with the path to the client."""
        var most = self._api[].response_max_datagram_size(self._handle)
        if most < 0:
            check(self._api, most)
        return Int(most)

    def read_datagram(mut self, mut buffer: List[UInt8]) raises -> Optional[Int]:
        """Takes a datagram that has come and went to no driver, as much of it as fits into a buffer; the rest is lost.

        Returns:
            How long the whole datagram is; None when there is none.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT when the exchange has no datagrams; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when it is over.
        """
        var length = UInt(0)
        var status = self._api[].request_read_datagram(
            self.request._handle, room(buffer), UInt(len(buffer)), place(length)
        )
        if status == ERROR_WOULD_BLOCK:
            return None
        check(self._api, status)
        return Int(length)

    def flush(mut self) raises:
        """What was written leaves without waiting for more, and a source is asked again."""
        check(self._api, self._api[].response_flush(self._handle))

    def reset(mut self) raises:
        """Gives the exchange up: the client sees a cut connection (on HTTP/1) instead of the rest of the answer."""
        check(self._api, self._api[].response_reset(self._handle))

    def fail(mut self, error: Error) raises:
        """Ends the exchange because the code behind it failed: 500, or a cut answer. The message goes to the log, and not to the
        client."""
        check(self._api, fail(self._api, self._handle, error))

    def proceed(mut self) raises:
        """Lets an exchange go on that a middleware kept: the next middleware sees it, or the handler. It can't be answered here
        afterwards.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT in a handler; FLARE_ERROR_FINISHED when it went on before or was answered.
        """
        check(self._api, self._api[].response_proceed(self._handle))

    def read(mut self, mut buffer: List[UInt8]) raises -> Optional[Int]:
        """Takes some content of the request, on a route that streams, into a buffer with room for at least one byte.

        Returns:
            How many bytes, 0 at the end of the request; None when there is nothing yet.

        Raises:
            FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when the exchange is over.
        """
        var length = UInt(0)
        var status = self._api[].request_read(self.request._handle, room(buffer), UInt(len(buffer)), place(length))
        if status == ERROR_WOULD_BLOCK:
            return None
        check(self._api, status)
        return Int(length)

    def drive[D: Driver](mut self, var driver: D) raises:
        """Gives the exchange to a driver, which hears of all that happens to it from now on, and keeps it until it is over. On a route
        that streams this asks for the content. Then the driver is destroyed; so is one that was there before."""
        # Events end with the exchange: it is kept as long as the driver lives.
        check(self._api, self._api[].response_retain(self._handle))
        var user = boxed(self._api, _Driven(driver^, self._handle))
        check(self._api, self._api[].request_on_event(self.request._handle, _on_event[D], user, _drop[D]))

    def resume(mut self) raises:
        """Content goes on after a driver gave PAUSE."""
        check(self._api, self._api[].request_resume(self.request._handle))


trait Driver(Movable, Deinitable):
    """Hears of an exchange. Called on its worker, which it must not block, one call at a time."""

    def on_event(mut self, mut exchange: Exchange, event: Event) raises -> Flow:
        """Hears of content as it comes, of its end, of room for writes, of the end of the exchange. Both are borrowed.

        What it raises ends the exchange as `Exchange.fail` does.
        """
        ...


struct _Driven[D: Driver](Movable):
    var driver: Self.D
    var response: Handle

    def __init__(out self, var driver: Self.D, response: Handle):
        self.driver = driver^
        self.response = response


def _on_event[
    D: Driver
](request: Handle, response: Handle, kind: Int32, data: Bytes, length: UInt, user: Address) abi("C") -> Int32:
    ref box = behind[_Driven[D]](user)
    var exchange = Exchange(borrowed=response, request=Request(borrowed=request, api=box.api), api=box.api)
    try:
        return box.value.driver.on_event(exchange, Event(EventKind(kind), data, Int(length)))._code
    except error:
        _ = fail(box.api, response, error)
        return 0


def _drop[D: Driver](user: Address) abi("C"):
    ref box = behind[_Driven[D]](user)
    var library = box.api
    var response = box.value.response
    unbox[_Driven[D]](user)
    _ = library[].response_release(response)
