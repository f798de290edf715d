# control: a small echo server on aioquic's API. argv: HOST PORT CERT KEY; Retry on PORT+1
import asyncio, sys
from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3Connection, H3_ALPN
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated
host, port, cert, key = sys.argv[1], int(sys.argv[2]), *sys.argv[3:5]
class P(QuicConnectionProtocol):
    h3 = None
    def quic_event_received(self, ev):
        if isinstance(ev, ProtocolNegotiated): self.h3 = H3Connection(self._quic); self.q = {}
        for e in self.h3.handle_event(ev) if self.h3 else ():
            if isinstance(e, HeadersReceived) and e.stream_id not in self.q: self.q[e.stream_id] = [dict(e.headers).get(b":method"), b""]
            if isinstance(e, DataReceived): self.q[e.stream_id][1] += e.data
            if isinstance(e, (HeadersReceived, DataReceived)) and e.stream_ended:
                m, b = self.q.pop(e.stream_id); b = b or b"hello\n"
                self.h3.send_headers(e.stream_id, [(b":status", b"200"), (b"content-length", b"%d" % len(b))], m == b"HEAD")
                if m != b"HEAD": self.h3.send_data(e.stream_id, b, True)
class Tickets(dict):
    def add(self, t): self[t.ticket] = t
async def main():
    t = Tickets(); c = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=False); c.load_cert_chain(cert, key)
    for i in (0, 1): await serve(host, port + i, configuration=c, create_protocol=P, session_ticket_fetcher=t.get, session_ticket_handler=t.add, retry=bool(i))
    print("ready", flush=True); await asyncio.Future()
asyncio.run(main())
