"""The same over HTTP/2 with prior knowledge (RFC 9113, 3.3), by the h2 package: one exchange on one connection."""
import socket

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from h2.connection import ConnectionInputs, ConnectionState, H2ConnectionStateMachine

from client import Answer, Malformed, halves

# The package takes a GOAWAY for the end of the connection. What has begun goes on behind it (RFC 9113, 6.8).
GOING_ON = (ConnectionState.CLIENT_OPEN, ConnectionInputs.RECV_GOAWAY)
H2ConnectionStateMachine._transitions[GOING_ON] = (None, ConnectionState.CLIENT_OPEN)


class Client:
    """One connection, and one stream on it."""

    def __init__(self, port, limit):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=limit)
        # What the server sends is checked by the table; the package checks the protocol.
        config = h2.config.H2Configuration(client_side=True, header_encoding="latin-1")
        self.wire = h2.connection.H2Connection(config)
        self.wire.initiate_connection()
        self.stream = None
        self.rest = b""  # content that is still to be sent
        self.trailers = None  # and what comes behind it
        self.bursts = ()  # not empty: the same content, in parts
        self.held = b""  # the rest of a frame whose begin was sent
        self.answer_so_far = None
        self.content = bytearray()
        self.interim = []
        self.ended = False  # the answer
        self.sent_end = False  # the request

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, case):
        """The answer to a case. Content is sent while the answer is read, as the windows allow."""
        self.begin(case, {})
        answer = self.answer()
        # Whether the server saw the content, which comes at once, before it sent a 100 is a matter of time.
        answer.interim = [interim for interim in answer.interim if interim.status != 100]
        return answer

    def ask_in_two(self, case):
        """The same, but the content waits for a 100: between the two steps of this generator the exchange runs. The last step is the answer."""
        self.begin(case, {"expect": "100-continue"})
        while not self.interim:
            if not self.receive():
                raise Malformed("the connection ended instead of a 100")
        yield self.interim.pop()
        yield self.answer()

    def begin(self, case, more):
        content = case.send or b""
        fields = [(":method", case.method), (":scheme", "http"), (":authority", "a.test"), (":path", case.path)]
        fields += [(name.lower(), value) for name, value in case.send_fields.items() if name != "Host"]
        fields += more.items()
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
        if case.send is not None and case.send_trailers is None:
            fields.append(("content-length", str(len(content))))
        self.trailers = [(name.lower(), value) for name, value in (case.send_trailers or {}).items()]
        self.rest = content
        self.bursts = case.bursts
        self.stream = self.wire.get_next_available_stream_id()
        ends = case.send is None and not self.trailers
        self.wire.send_headers(self.stream, fields, end_stream=ends)
        self.sent_end = ends
        self.flush()

    def converse(self, bursts):
        """Sends all of these but the last, each when all that was sent before has come back. The last is left, to be sent with the end."""
        self.until(lambda: self.answer_so_far, "before the head of the answer")
        parts = halves(bursts)
        self.wire.send_data(self.stream, parts[0][0])
        self.held = self.wire.data_to_send()
        sent = 0
        for burst, (_, begin), (end, _) in zip(bursts, parts, parts[1:]):
            self.wire.send_data(self.stream, begin + end)
            data = self.held + self.wire.data_to_send()
            cut = len(data) - len(end)
            self.socket.sendall(data[:cut])
            self.held = data[cut:]
            sent += len(burst)
            self.until(lambda: len(self.content) >= sent or self.ended, f"before all {sent} bytes came back")
        self.rest = parts[-1][1]

    def until(self, condition, what):
        while not condition():
            if not self.receive():
                raise Malformed(f"the connection ended {what}")

    def flush(self):
        data, self.held = self.held + self.wire.data_to_send(), b""
        self.socket.sendall(data)

    def send_content(self):
        """As much as the windows allow."""
        while not self.sent_end and not self.ended:
            room = min(self.wire.local_flow_control_window(self.stream), self.wire.max_outbound_frame_size)
            if self.rest and room == 0:
                return
            part, self.rest = self.rest[:room], self.rest[room:]
            last = not self.rest
            if part or not self.trailers:
                self.wire.send_data(self.stream, part, end_stream=last and not self.trailers)
            if last and self.trailers:
                self.wire.send_headers(self.stream, self.trailers, end_stream=True)
            self.sent_end = last
            self.flush()

    def receive(self):
        """Takes what has come. False: the connection has ended."""
        data = self.socket.recv(65536)
        if not data:
            return False
        for event in self.wire.receive_data(data):
            self.take(event)
        if not self.held:  # else nothing may come in between
            self.flush()
        return True

    def take(self, event):
        match event:
            case h2.events.InformationalResponseReceived():
                self.interim.append(answer_of(event.headers))
            case h2.events.ResponseReceived():
                self.answer_so_far = answer_of(event.headers)
            case h2.events.DataReceived():
                self.content += event.data
                self.wire.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                self.answer_so_far.trailers = list(event.headers)
            case h2.events.StreamEnded():
                self.ended = True
            case h2.events.StreamReset() if not self.ended:
                raise Malformed(f"the stream was reset with {event.error_code!r}")
            case h2.events.ConnectionTerminated() if event.error_code:
                raise Malformed(f"the connection ended with {event.error_code!r} {event.additional_data!r}")

    def answer(self):
        """The answer, with what came before it."""
        try:
            if self.bursts:
                self.converse(self.bursts)
            while not self.ended:
                self.send_content()
                if not self.receive():
                    raise Malformed("the connection ended before the answer")
        except h2.exceptions.H2Error as error:
            raise Malformed(f"{error!r}") from error
        self.answer_so_far.body = bytes(self.content)
        self.answer_so_far.interim = self.interim
        return self.answer_so_far

    def at_end(self):
        """Whether the server closes the connection now, as it does at its own end."""
        while self.receive():
            pass
        return True


def answer_of(headers):
    status, *fields = headers
    if status[0] != ":status":
        raise Malformed(f"no status: {headers!r}")
    return Answer(int(status[1]), [(name, value) for name, value in fields])
