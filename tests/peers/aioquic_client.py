"""A client of aioquic that exchanges datagrams (RFC 9297) with the demo server: aioquic_client.py PORT

Prints a JSON list of [what was asked, what is wrong or ""].
"""
import json
import socket
import ssl
import sys
import time

from aioquic.buffer import Buffer, encode_uint_var
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, DatagramReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StreamReset

LIMIT = 20  # seconds for anything
DATAGRAM_ERROR = 0x33


class Client:
    """One connection. `takes`: whether it announces that it takes datagrams, which aioquic does for WebTransport only."""

    def __init__(self, port, takes=True):
        self.address = ("127.0.0.1", port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.quic = QuicConnection(configuration=QuicConfiguration(
            is_client=True, alpn_protocols=H3_ALPN, server_name="localhost", verify_mode=ssl.CERT_NONE,
            max_datagram_frame_size=65536 if takes else None))
        self.quic.connect(self.address, now=time.monotonic())
        self.http = None
        self.heads, self.content, self.datagrams, self.ended, self.resets = {}, {}, {}, set(), {}
        self.closed = None
        self.until(lambda: self.http, "the handshake", takes)
        self.until(lambda: self.http.received_settings, "SETTINGS")

    def until(self, done, what, takes=None):
        end = time.monotonic() + LIMIT
        while not done():
            for data, _ in self.quic.datagrams_to_send(now=time.monotonic()):
                self.socket.sendto(data, self.address)
            timer = self.quic.get_timer()
            now = time.monotonic()
            if now >= end:
                raise TimeoutError(f"{what} does not come")
            self.socket.settimeout(max(0.001, min(end, timer or end) - now))
            try:
                self.quic.receive_datagram(self.socket.recv(65536), self.address, now=time.monotonic())
            except TimeoutError:
                pass
            if timer and time.monotonic() >= timer:
                self.quic.handle_timer(now=time.monotonic())
            self.take(takes)

    def take(self, takes):
        while event := self.quic.next_event():
            if isinstance(event, HandshakeCompleted):
                self.http = H3Connection(self.quic, enable_webtransport=bool(takes))
            elif isinstance(event, ConnectionTerminated):
                self.closed = event.error_code
            elif isinstance(event, StreamReset):
                self.resets[event.stream_id] = event.error_code
            if not self.http:
                continue
            for told in self.http.handle_event(event):
                if isinstance(told, HeadersReceived):
                    self.heads[told.stream_id] = dict(told.headers)
                elif isinstance(told, DataReceived):
                    self.content[told.stream_id] = self.content.get(told.stream_id, b"") + told.data
                elif isinstance(told, DatagramReceived):
                    self.datagrams.setdefault(told.stream_id, []).append(told.data)
                if getattr(told, "stream_ended", False):
                    self.ended.add(told.stream_id)

    def offer(self, path, protocol, *fields):
        """An extended CONNECT that the server takes."""
        stream = self.quic.get_next_available_stream_id()
        self.http.send_headers(stream, [
            (b":method", b"CONNECT"), (b":protocol", protocol), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", path), *fields])
        self.until(lambda: stream in self.heads, "the answer")
        assert self.heads[stream][b":status"] == b"200", self.heads[stream]
        return stream

    def echo(self):
        stream = self.offer(b"/datagrams", b"echo", (b"capsule-protocol", b"?1"))
        assert self.heads[stream][b"capsule-protocol"] == b"?1", self.heads[stream]
        return stream


def capsule(kind, value):
    return encode_uint_var(kind) + encode_uint_var(len(value)) + value


def in_capsules(content):
    """The datagrams among the capsules that have come whole."""
    found, buffer = [], Buffer(data=content)
    while not buffer.eof():
        kind, length = buffer.pull_uint_var(), buffer.pull_uint_var()
        value = buffer.pull_bytes(length)
        found += [value] if kind == 0 else []
    return found


def frames(port):
    client = Client(port)
    one, two = client.echo(), client.echo()
    sent = [b"first", b"", bytes(range(256)) * 4]
    for datagram in sent:
        client.http.send_datagram(one, datagram)
    client.http.send_datagram(two, b"second")
    client.until(lambda: len(client.datagrams.get(one, [])) == 3 and two in client.datagrams, "an echo of each datagram")
    # On one machine nothing is lost, but they may overtake each other.
    assert sorted(client.datagrams[one]) == sorted(sent), client.datagrams
    assert client.datagrams[two] == [b"second"], client.datagrams
    assert one not in client.content, client.content
    client.http.send_data(two, b"", end_stream=True)
    client.until(lambda: two in client.ended, "the end")
    # One behind the end is dropped.
    client.http.send_datagram(two, b"late")
    client.http.send_datagram(one, b"goes on")
    client.until(lambda: b"goes on" in client.datagrams[one], "the other stream's echo")
    assert client.closed is None and client.datagrams[two] == [b"second"]


def both_ways(port):
    client = Client(port)
    stream = client.echo()
    client.http.send_data(stream, capsule(0x1234, b"unknown") + capsule(0, b"in a capsule"), end_stream=False)
    client.until(lambda: stream in client.datagrams, "the echo of a capsule")
    assert client.datagrams[stream] == [b"in a capsule"], client.datagrams


def capsules(port):
    client = Client(port, takes=False)
    stream = client.echo()
    large = b"x" * 30_000
    sent = capsule(0, b"one") + capsule(0x1234, b"unknown") + capsule(0, large)
    for at in range(0, len(sent), 5000):
        client.http.send_data(stream, sent[at:at + 5000], end_stream=False)
    client.http.send_data(stream, b"", end_stream=True)
    client.until(lambda: stream in client.ended, "the end")
    assert in_capsules(client.content[stream]) == [b"one", large], f"{len(client.content[stream])} bytes came"


def unwanted(port):
    client = Client(port)
    stream = client.offer(b"/ws", b"websocket", (b"sec-websocket-version", b"13"))
    client.http.send_datagram(stream, b"x")
    client.until(lambda: stream in client.resets, "a reset")
    assert client.resets[stream] == DATAGRAM_ERROR, client.resets
    other = client.echo()
    client.http.send_datagram(other, b"goes on")
    client.until(lambda: other in client.datagrams, "an echo on the same connection")


def impossible(port):
    client = Client(port)
    client.quic.send_datagram_frame(encode_uint_var(1 << 60) + b"x")
    client.until(lambda: client.closed is not None, "the end of the connection")
    assert client.closed == DATAGRAM_ERROR, client.closed


CASES = {
    "datagrams on two streams": frames,
    "a capsule on a stream of datagrams": both_ways,
    "capsules, where the client takes no datagrams": capsules,
    "a datagram of a WebSocket": unwanted,
    "a datagram of a stream that can't be": impossible,
}


def main(port):
    results = []
    for title, case in CASES.items():
        try:
            case(port)
            results.append((title, ""))
        except (AssertionError, TimeoutError) as error:
            results.append((title, str(error) or repr(error)))
    print(json.dumps(results))


main(int(sys.argv[1]))
