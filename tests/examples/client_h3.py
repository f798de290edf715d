"""The same over HTTP/3 (RFC 9114), by the aioquic package: one exchange on one connection. Any certificate is believed."""
import socket
import ssl
import time

from aioquic.h3.connection import H3_ALPN, ErrorCode, FrameType, H3Connection, HeadersState
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StreamReset

from client import Answer, Malformed


class Http(H3Connection):
    """The package takes what follows an interim answer for trailers, and expects content in an answer to HEAD."""

    asks_head = False

    def _check_content_length(self, stream):
        if not self.asks_head:
            super()._check_content_length(stream)

    def _handle_request_or_push_frame(self, frame_type, frame_data, stream, stream_ended):
        events = super()._handle_request_or_push_frame(frame_type, frame_data, stream, stream_ended)
        if frame_type == FrameType.HEADERS and any(is_interim(event) for event in events):
            stream.headers_recv_state = HeadersState.INITIAL
        return events


def is_interim(event):
    return isinstance(event, HeadersReceived) and dict(event.headers).get(b":status", b"200").startswith(b"1")


class Client:
    """One connection, and one stream on it."""

    def __init__(self, port, limit):
        self.limit = limit
        self.address = ("127.0.0.1", port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost",
                                          verify_mode=ssl.CERT_NONE)
        self.quic = QuicConnection(configuration=configuration)
        self.quic.connect(self.address, now=time.monotonic())
        self.http = None
        self.stream = None
        self.answer_so_far = None
        self.content = bytearray()
        self.interim = []
        self.ended = False  # the answer
        self.closed = None  # how the connection ended
        self.until(lambda: self.http is not None, "the handshake")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quic.close(error_code=ErrorCode.H3_NO_ERROR)
        self.flush()
        self.socket.close()

    def ask(self, case):
        """The answer to a case."""
        self.begin(case, {})
        self.send_content(case)
        answer = self.answer()
        # Whether the server saw the content, which comes at once, before it sent a 100 is a matter of time.
        answer.interim = [interim for interim in answer.interim if interim.status != 100]
        return answer

    def ask_in_two(self, case):
        """The same, but the content waits for a 100: between the two steps of this generator the exchange runs. The last step is the answer."""
        self.begin(case, {"expect": "100-continue"})
        self.until(lambda: self.interim, "a 100")
        yield self.interim.pop()
        self.send_content(case)
        yield self.answer()

    def begin(self, case, more):
        fields = [(":method", case.method), (":scheme", "https"), (":authority", "a.test"), (":path", case.path)]
        fields += [(name.lower(), value) for name, value in case.send_fields.items() if name != "Host"]
        fields += more.items()
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
        if case.send is not None and case.send_trailers is None:
            fields.append((b"content-length", str(len(case.send)).encode()))
        self.stream = self.quic.get_next_available_stream_id()
        self.http.asks_head = case.method == "HEAD"
        self.http.send_headers(self.stream, fields, end_stream=case.send is None and not case.send_trailers)

    def send_content(self, case):
        """The package keeps what the windows do not allow yet."""
        trailers = [(name.lower().encode(), value.encode()) for name, value in (case.send_trailers or {}).items()]
        if case.send is not None:
            self.http.send_data(self.stream, case.send, end_stream=not trailers)
        if trailers:
            self.http.send_headers(self.stream, trailers, end_stream=True)

    def flush(self):
        for data, _ in self.quic.datagrams_to_send(now=time.monotonic()):
            self.socket.sendto(data, self.address)

    def until(self, condition, what):
        """Sends and receives until something is so."""
        end = time.monotonic() + self.limit
        while not condition():
            now = time.monotonic()
            if self.closed is not None:
                raise Malformed(f"the connection ended instead of {what}: {self.closed}")
            if now >= end:
                raise Malformed(f"{what}: not within {self.limit} s")
            self.receive(end)

    def receive(self, end):
        """Waits for a datagram or a timer of the transport, and takes what has come."""
        self.flush()
        timer = self.quic.get_timer()
        now = time.monotonic()
        self.socket.settimeout(max(min(end, timer if timer is not None else end) - now, 0.0001))
        try:
            data = self.socket.recv(65536)
            self.quic.receive_datagram(data, self.address, now=time.monotonic())
        except TimeoutError:
            if timer is not None and timer <= time.monotonic():
                self.quic.handle_timer(now=time.monotonic())
        while (event := self.quic.next_event()) is not None:
            self.take(event)

    def take(self, event):
        match event:
            case HandshakeCompleted():
                self.http = Http(self.quic)
            case StreamReset() if event.stream_id == self.stream and not self.ended:
                raise Malformed(f"the stream was reset with {event.error_code:#x}")
            case ConnectionTerminated():
                self.closed = f"{event.error_code:#x} {event.reason_phrase}"
        if self.http is not None:
            for event in self.http.handle_event(event):
                self.take_http(event)

    def take_http(self, event):
        match event:
            case HeadersReceived() if is_interim(event):
                self.interim.append(answer_of(event.headers))
            case HeadersReceived() if self.answer_so_far is None:
                self.answer_so_far = answer_of(event.headers)
            case HeadersReceived():
                self.answer_so_far.trailers = texts(event.headers)
            case DataReceived():
                self.content += event.data
        self.ended |= getattr(event, "stream_ended", False)

    def answer(self):
        """The answer, with what came before it."""
        self.until(lambda: self.ended, "the answer")
        self.answer_so_far.body = bytes(self.content)
        self.answer_so_far.interim = self.interim
        return self.answer_so_far

    def at_end(self):
        """Whether the server closes the connection now, as it does at its own end."""
        end = time.monotonic() + self.limit
        while self.closed is None and time.monotonic() < end:
            self.receive(end)
        return self.closed is not None and self.closed.startswith(f"{ErrorCode.H3_NO_ERROR:#x} ")


def texts(fields):
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]


def answer_of(headers):
    status, *fields = texts(headers)
    if status[0] != ":status":
        raise Malformed(f"no status: {headers!r}")
    return Answer(int(status[1]), fields)
