"""An HTTP/3 server of aioquic: files of a folder, and POST sends its content back. aioquic_server.py FOLDER CERTIFICATE KEY [retry]; prints its port."""
import asyncio
import socket
import sys
from pathlib import Path

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated

folder, certificate, key, *retry = sys.argv[1:]


class Http3(QuicConnectionProtocol):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = None
        self.requests = {}

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        if self.http is None:
            return
        for heard in self.http.handle_event(event):
            if isinstance(heard, HeadersReceived):
                # Trailers too are headers to it.
                self.requests.setdefault(heard.stream_id, (dict(heard.headers), bytearray()))
            elif isinstance(heard, DataReceived):
                self.requests[heard.stream_id][1].extend(heard.data)
            if isinstance(heard, (HeadersReceived, DataReceived)) and heard.stream_ended:
                self.answer(heard.stream_id, *self.requests.pop(heard.stream_id))

    def answer(self, stream, head, content):
        file = Path(folder) / Path(head[b":path"].decode()).name
        status = b"200"
        if head[b":method"] != b"POST":
            status, content = (b"200", file.read_bytes()) if file.is_file() else (b"404", b"")
        self.http.send_headers(stream, [(b":status", status), (b"content-length", b"%d" % len(content))])
        self.http.send_data(stream, bytes(content), end_stream=True)
        self.transmit()


async def main():
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=False)
    configuration.load_cert_chain(certificate, key)
    with socket.socket(type=socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    await serve("127.0.0.1", port, configuration=configuration, create_protocol=Http3, retry=bool(retry))
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await asyncio.Future()


asyncio.run(main())
