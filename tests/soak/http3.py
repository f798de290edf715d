"""A client of HTTP/3 (RFC 9114) to load a server with, by the aioquic package. Any certificate is believed."""
import asyncio, ssl
from contextlib import asynccontextmanager

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, StreamReset

from http2 import Lost


class Http3(QuicConnectionProtocol):
    """A connection. `ask` may be called by many tasks at once."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http, self.answers, self.gone = H3Connection(self._quic), {}, False

    def transmit(self):
        if not self.gone:
            super().transmit()

    async def ask(self, method, path, content=b"", reset=False):
        """(whether the status is 200, bytes of content). `reset`: gives the stream up at once instead, and returns None."""
        stream = self._quic.get_next_available_stream_id()
        fields = [(b":method", method.encode()), (b":scheme", b"https"), (b":authority", b"soak"), (b":path", path.encode())]
        self.http.send_headers(stream, fields, end_stream=not content)
        if reset:
            if content:
                self._quic.reset_stream(stream, ErrorCode.H3_REQUEST_CANCELLED)
            self._quic.stop_stream(stream, ErrorCode.H3_REQUEST_CANCELLED)
            self.transmit()
            return None
        answer = self.answers[stream] = [False, 0, asyncio.get_running_loop().create_future()]
        if content:
            self.http.send_data(stream, content, end_stream=True)
        self.transmit()
        try:
            await answer[2]
        finally:
            self.answers.pop(stream, None)
        return answer[0], answer[1]

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            for answer in self.answers.values():
                self.fail(answer, f"connection lost: {event.error_code} {event.reason_phrase}")
        elif isinstance(event, StreamReset) and event.stream_id in self.answers:
            self.fail(self.answers[event.stream_id], f"stream reset: {event.error_code}")
        for heard in self.http.handle_event(event):
            answer = self.answers.get(getattr(heard, "stream_id", None))
            if answer is None:
                continue
            if isinstance(heard, HeadersReceived):
                answer[0] = answer[0] or dict(heard.headers).get(b":status") == b"200"
            elif isinstance(heard, DataReceived):
                answer[1] += len(heard.data)
            if heard.stream_ended and not answer[2].done():
                answer[2].set_result(None)

    @staticmethod
    def fail(answer, why):
        if not answer[2].done():
            answer[2].set_exception(Lost(why))
            answer[2].exception()  # nobody may be waiting any more


def settings(**others):
    return QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost", verify_mode=ssl.CERT_NONE, **others)


@asynccontextmanager
async def connected(port):
    async with connect("127.0.0.1", port, configuration=settings(), create_protocol=Http3) as connection:
        yield connection


async def vanish(port):
    """A connection whose client is gone without a word, in the middle of an answer. The server learns of it by the idle timeout alone."""
    loop = asyncio.get_running_loop()
    configuration = settings(idle_timeout=3.0)
    transport, connection = await loop.create_datagram_endpoint(
        lambda: Http3(QuicConnection(configuration=configuration)), local_addr=("127.0.0.1", 0))
    try:
        connection.connect(("127.0.0.1", port))
        await connection.wait_connected()
        asked = asyncio.create_task(connection.ask("GET", "/1m"))
        await asyncio.sleep(0)
        asked.cancel()
    finally:
        connection.gone = True
        transport.abort()
