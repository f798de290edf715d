# HTTP/3 server check on aioquic's API. argv: HOST PORT [RETRY_PORT] [CASE_REGEX]
import asyncio, logging, os, random, re, socket, ssl, struct, sys, time
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import encode_uint_var as uv
from aioquic.h3.connection import H3Connection, H3_ALPN
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StopSendingReceived, StreamDataReceived, StreamReset
from aioquic.tls import CipherSuite
logging.disable(logging.CRITICAL)
HOST, PORT = sys.argv[1], int(sys.argv[2]); RP = (sys.argv[3:4] or ["0"])[0]; RETRY = PORT if RP == "same" else int(RP)
FILTER = re.compile((sys.argv[4:5] or [""])[0]); SNI = os.environ.get("SNI", "localhost"); AUTH = ("%s:%d" % (SNI, PORT)).encode(); CASES = []; ECHO = True; SLOW = float(os.environ.get("SLOW", "1"))
class Fail(Exception): pass
def case(rfc):
    def d(f): CASES.append((f.__name__.strip("_").replace("_", "-"), rfc, f)); return f
    return d
def qint(n, bits, first=0):
    m = (1 << bits) - 1
    if n < m: return bytes([first | n])
    o = bytes([first | m]); n -= m
    while n >= 128: o += bytes([n & 127 | 128]); n >>= 7
    return o + bytes([n])
def qpack(hs): return b"\0\0" + b"".join(qint(len(k), 3, 0x20) + k + qint(len(v), 7) + v for k, v in hs)
def frame(t, p): return uv(t) + uv(len(p)) + p
def hdrs(m=b"GET", *extra): return [(b":method", m), (b":scheme", b"https"), (b":authority", AUTH), (b":path", b"/")] + list(extra)
def HEADERS(hs): return frame(1, qpack(hs))
class P(QuicConnectionProtocol):
    """h3=True: aioquic's HTTP/3 layer; h3=False: the case writes every stream itself, answers are parsed only for frames"""
    def __init__(s, *a, **k):
        super().__init__(*a, **k); s.h3 = None; s.head = {}; s.body = {}; s.done = {}; s.raw = {}; s.reset = {}; s.stop = {}; s.term = None; s.hs = None; s.over = asyncio.Event()
    def use_h3(s): s.h3 = H3Connection(s._quic)
    def quic_event_received(s, e):
        if isinstance(e, HandshakeCompleted): s.hs = e
        if isinstance(e, ConnectionTerminated):
            s.term = e; s.over.set()
            for f in s.done.values(): f.done() or f.set_result(None)
        if isinstance(e, StreamReset): s.reset[e.stream_id] = e.error_code; s.fin(e.stream_id)
        if isinstance(e, StopSendingReceived): s.stop[e.stream_id] = e.error_code
        if isinstance(e, StreamDataReceived) and not s.h3:
            s.raw[e.stream_id] = s.raw.get(e.stream_id, b"") + e.data
            if e.end_stream: s.fin(e.stream_id)
        if s.h3:
            for h in s.h3.handle_event(e):
                if isinstance(h, HeadersReceived): s.head.setdefault(h.stream_id, []).append(h.headers)
                if isinstance(h, DataReceived): s.body[h.stream_id] = s.body.get(h.stream_id, b"") + h.data
                if isinstance(h, (HeadersReceived, DataReceived)) and h.stream_ended: s.fin(h.stream_id)
    def fin(s, i):
        f = s.done.get(i)
        if f and not f.done(): f.set_result(None)
    def wait_for(s, i): return s.done.setdefault(i, asyncio.get_running_loop().create_future())
    def start(s, hs, body=None, trailers=None):
        i = s._quic.get_next_available_stream_id(); s.wait_for(i)
        s.h3.send_headers(i, hs, body is None and not trailers)
        if body is not None: s.h3.send_data(i, body, not trailers)
        if trailers: s.h3.send_headers(i, trailers, True)
        s.transmit(); return i
    async def result(s, i, t=10):
        t *= SLOW
        try: await asyncio.wait_for(asyncio.shield(s.wait_for(i)), t)
        except asyncio.TimeoutError: raise Fail("no complete answer within %d s (got %d octets)" % (t, len(s.body.get(i, b""))))
        if s.term and i not in s.head: raise Fail("connection closed: 0x%x %s" % (s.term.error_code, s.term.reason_phrase))
        if i in s.reset: raise Fail("stream reset: 0x%x" % s.reset[i])
        return int(dict(s.head[i][-1 if dict(s.head[i][0])[b":status"][:1] == b"1" else 0])[b":status"]), s.body.get(i, b"")
    async def get(s, t=10, **k):
        st, b = await s.result(s.start(hdrs(), **k), t)
        if st != 200: raise Fail("status %d" % st)
        return b
    async def echo(s, body, t=30):
        st, b = await s.result(s.start(hdrs(b"POST", (b"content-length", b"%d" % len(body))), body), t)
        if st != 200: raise Fail("status %d" % st)
        if ECHO and b != body: raise Fail("body of %d octets came back as %d octets" % (len(body), len(b)))
def conf(**k):
    c = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=True, verify_mode=ssl.CERT_NONE, server_name=SNI)
    for a, v in k.items(): setattr(c, a, v)
    return c
class open_:
    def __init__(s, h3=True, port=None, ticket=None, wait=True, **k): s.h3, s.ticket, s.wait = h3, ticket, wait; s.c = conf(**k); s.port = port or PORT
    async def __aenter__(s):
        s.cm = connect(HOST, s.port, configuration=s.c, create_protocol=P, session_ticket_handler=s.ticket, wait_connected=False); p = await s.cm.__aenter__()
        if s.h3: p.use_h3()
        if s.wait or not s.h3: p.transmit()  # else the first request goes out with the ClientHello
        if s.wait:
            try: await asyncio.wait_for(p.wait_connected(), 8 * SLOW)
            except (asyncio.TimeoutError, ConnectionError) as e:
                c = p.term.error_code if p.term else None; p.close(); await s.cm.__aexit__(None, None, None); raise Fail("no handshake (%s)" % (hex(c) if c is not None else "timeout"))
        s.p = p; return p
    async def __aexit__(s, *a):
        try: await asyncio.wait_for(s.cm.__aexit__(None, None, None), 3)
        except Exception: pass
# ---- requests ----
@case("9114 4.1")
async def get():
    async with open_() as p: await p.get()
@case("9114 4.1")
async def get_50_in_turn():
    async with open_() as p:
        for _ in range(50): await p.get()
@case("9114 4.1")
async def post_echo():
    async with open_() as p: await p.echo(b"hello"); await p.echo(bytes(range(256)) * 4)
@case("9114 4.1")
async def post_without_content():
    async with open_() as p:
        st, b = await p.result(p.start(hdrs(b"POST"), b""))
        if st >= 500: raise Fail("status %d" % st)
@case("9114 4.1")
async def request_trailers():
    async with open_() as p:
        st, b = await p.result(p.start(hdrs(b"POST"), b"hello", [(b"x-t", b"v")]))
        if st != 200: raise Fail("status %d" % st)
@case("9114 4.1")
async def streams_100_at_once():
    async with open_() as p:
        ids = [p.start(hdrs()) for _ in range(100)]
        for i in ids:
            if (await p.result(i, 20))[0] != 200: raise Fail("status")
@case("9114 4.1")
async def streams_600_in_batches():
    async with open_() as p:
        for _ in range(12): await asyncio.gather(*[p.get(20) for _ in range(50)])
@case("9000 4.1")
async def posts_50_at_once_64_kib():
    async with open_() as p: await asyncio.gather(*[p.echo(os.urandom(65536), 40) for _ in range(50)])
@case("9000 4.1")
async def body_8_mib_both_ways():
    async with open_() as p: await p.echo(os.urandom(8 << 20), 60)
@case("9000 4.1")
async def body_down_with_small_windows():
    async with open_(max_data=16384, max_stream_data=4096) as p: await p.echo(os.urandom(300000), 40)
@case("9114 4.2")
async def headers_6_kib():
    async with open_() as p:
        st, _ = await p.result(p.start(hdrs(b"GET", (b"x-big", b"v" * 6000))))
        if st not in (200, 431): raise Fail("status %d" % st)
@case("9114 4.2.1")
async def cookie_crumbs():
    async with open_() as p:
        st, _ = await p.result(p.start(hdrs(b"GET", (b"cookie", b"a=b"), (b"cookie", b"c=d"))))
        if st != 200: raise Fail("status %d" % st)
@case("9114 4.1.1")
async def stop_sending_then_go_on():
    async with open_() as p:
        for _ in range(10):
            i = p.start(hdrs(b"POST"), b"x" * 200000); p._quic.stop_stream(i, 0x10c); p.transmit()
        await p.get()
@case("9114 4.1.1")
async def reset_upload_then_go_on():
    async with open_() as p:
        for _ in range(10):
            i = p._quic.get_next_available_stream_id(); p.h3.send_headers(i, hdrs(b"POST"), False); p.h3.send_data(i, b"x" * 1000, False); p.transmit(); await asyncio.sleep(.01); p._quic.reset_stream(i, 0x10c); p.transmit()
        await p.get()
@case("9000 5")
async def connections_20_in_turn():
    for _ in range(20):
        async with open_() as p: await p.get()
@case("9000 5")
async def connections_20_at_once():
    async def one():
        async with open_() as p: await p.get(20)
    await asyncio.gather(*[one() for _ in range(20)])
# ---- transport ----
def vn_packet(size, version=0x1a2a3a4a):
    d, s = os.urandom(8), os.urandom(8); b = bytes([0xc0]) + struct.pack(">I", version) + b"\x08" + d + b"\x08" + s; return d, s, b + bytes(size - len(b))
async def udp(b, wait=1.5):
    loop = asyncio.get_running_loop(); s = socket.socket(socket.AF_INET6 if ":" in HOST else socket.AF_INET, socket.SOCK_DGRAM); s.setblocking(False); s.connect((HOST, PORT))
    try: await loop.sock_sendall(s, b); return await asyncio.wait_for(loop.sock_recv(s, 65536), wait)
    except (asyncio.TimeoutError, ConnectionError): return None
    finally: s.close()
@case("9000 6.1")
async def version_negotiation():
    d, s, b = vn_packet(1200); r = await udp(b)
    if not r: raise Fail("no answer")
    if not r[0] & 0x80 or r[1:5] != bytes(4) or r[5:6] + r[6:14] != b"\x08" + s or r[14:15] + r[15:23] != b"\x08" + d: raise Fail("not a Version Negotiation packet with the ids swapped: %s" % r[:30].hex())
    if len(r) % 4 != 23 % 4 or struct.pack(">I", 1) not in [r[i:i + 4] for i in range(23, len(r), 4)]: raise Fail("version 1 is not offered")
@case("9000 5.2.2")
async def version_negotiation_not_for_small_datagrams():
    if await udp(vn_packet(600)[2]): raise Fail("answered")
@case("9000 5.2.2")
async def garbage_is_dropped():
    for b in (b"\0" * 30, b"\xff" * 1200, os.urandom(500), b"\x40" + os.urandom(40), bytes([0xc0]) + struct.pack(">I", 1) + b"\xff" + os.urandom(1194)): await udp(b, .1)
    async with open_() as p: await p.get()
def lossy(p, rate, dup=False, seed=7):
    rnd = random.Random(seed); t = p._transport
    class T:
        def sendto(s, d, a=None):
            if rnd.random() >= rate: t.sendto(d, a); dup and t.sendto(d, a)
        def __getattr__(s, n): return getattr(t, n)
    p._transport = T()
@case("9002 6")
async def loss_5_percent_upload():
    async with open_() as p: lossy(p, .05); await p.echo(os.urandom(500000), 60)
@case("9000 12.3")
async def duplicated_datagrams():
    async with open_() as p: lossy(p, 0, True); await p.echo(os.urandom(200000), 30)
for cs in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"):
    async def f(cs=cs):
        async with open_(cipher_suites=[CipherSuite[cs]]) as p: await p.get()
    f.__name__ = "cipher_" + cs.lower(); case("8446 9.1")(f)
@case("9001 8.1")
async def unknown_alpn_is_refused():
    async with open_(h3=False, wait=False, alpn_protocols=["conformance/0"]) as p:
        try: await asyncio.wait_for(p.over.wait(), 8 * SLOW)
        except asyncio.TimeoutError: raise Fail("no close")
        if p.term.error_code != 0x178: raise Fail("closed with 0x%x, expected 0x178" % p.term.error_code)
if RETRY:
    @case("9000 8.1.2")
    async def retry():
        async with open_(port=RETRY) as p:
            if not p._quic._retry_count: raise Fail("no Retry packet")
            await p.get()
    @case("9000 8.1.2")
    async def retry_then_upload():
        async with open_(port=RETRY) as p: await p.echo(os.urandom(100000))
async def ticket():
    t = []
    async with open_(ticket=t.append) as p:
        await p.get(); await p.ping()
        for _ in range(20):
            if t: break
            await asyncio.sleep(.1)
    if not t: raise Fail("no session ticket")
    return t[0]
@case("8446 2.2")
async def session_ticket_is_sent(): await ticket()
@case("8446 2.2")
async def resumption():
    t = await ticket()
    async with open_(session_ticket=t) as p:
        await p.get()
        if not p.hs.session_resumed: raise Fail("not resumed")
if not os.environ.get("NO0RTT"):
    @case("9001 4.6")
    async def zero_rtt():
        t = await ticket()
        if not t.max_early_data_size: raise Fail("the ticket does not allow early data")
        async with open_(session_ticket=t, wait=False) as p:
            i = p.start(hdrs()); st, _ = await p.result(i)
            if st not in (200, 425): raise Fail("status %d" % st)
            if not p.hs.early_data_accepted: raise Fail("early data not accepted")
    @case("9001 4.6.1")
    async def ticket_early_data_size():
        t = await ticket()
        if t.max_early_data_size not in (None, 0, 0xffffffff): raise Fail("max_early_data_size %r" % t.max_early_data_size)
@case("9001 6")
async def key_update():
    async with open_() as p:
        await p.get(); p.request_key_update(); await asyncio.wait_for(p.ping(), 5 * SLOW); await p.get()
@case("9001 6")
async def key_update_five_times():
    async with open_() as p:
        for _ in range(5): p.request_key_update(); await asyncio.wait_for(p.ping(), 5 * SLOW); await p.echo(b"x" * 20000)
@case("9000 5.1")
async def connection_id_change():
    async with open_() as p:
        await p.get()
        for _ in range(3): p.change_connection_id(); await asyncio.wait_for(p.ping(), 5 * SLOW); await p.get()
async def rebind(change):
    async with open_() as p:
        await p.get(); loop = asyncio.get_running_loop()
        if change: p.change_connection_id()
        p._transport.close(); await loop.create_datagram_endpoint(lambda: p, local_addr=("::1" if ":" in HOST else "::ffff:127.0.0.1" if HOST.startswith("127.") else "::", 0))
        await asyncio.wait_for(p.ping(), 8 * SLOW); await p.get(); await p.echo(os.urandom(100000))
@case("9000 9.3")
async def port_rebinding(): await rebind(False)
@case("9000 9.3")
async def migration_with_new_connection_id(): await rebind(True)
@case("9000 10.1")
async def still_there_after_3_idle_seconds():
    async with open_() as p: await p.get(); await asyncio.sleep(3); await p.get()
# ---- HTTP/3 frames: what must be ignored ----
GREASE = 0x1f * 7 + 0x21
class raw(open_):
    """control and QPACK streams written by hand"""
    def __init__(s, settings=b"", control=None, qpack_streams=True): super().__init__(h3=False); s.ctl = frame(4, settings) if control is None else control; s.q = qpack_streams
    async def __aenter__(s):
        p = await super().__aenter__(); s.p = p; p.control = p.uni(uv(0) + s.ctl)
        if s.q: p.enc = p.uni(uv(2)); p.dec = p.uni(uv(3))
        return p
def uni(p, b, fin=False): i = p._quic.get_next_available_stream_id(is_unidirectional=True); p._quic.send_stream_data(i, b, fin); p.transmit(); return i
def bidi(p, b, fin=True): i = p._quic.get_next_available_stream_id(); p.wait_for(i); p._quic.send_stream_data(i, b, fin); p.transmit(); return i
def more(p, i, b, fin=False): p._quic.send_stream_data(i, b, fin); p.transmit()
P.uni, P.bidi, P.more = uni, bidi, more
async def frames_of(p, i, t=5):
    try: await asyncio.wait_for(asyncio.shield(p.wait_for(i)), t * SLOW)
    except asyncio.TimeoutError: raise Fail("no answer")
    if p.term: raise Fail("connection closed: 0x%x %s" % (p.term.error_code, p.term.reason_phrase))
    if i in p.reset: raise Fail("stream reset: 0x%x" % p.reset[i])
    if b"\x01" != p.raw.get(i, b"")[:1] : raise Fail("no HEADERS first: %r" % p.raw.get(i, b"")[:10])
def ignored(name, rfc, f):
    async def g():
        async with raw() as p:
            i = await f(p); await frames_of(p, p.bidi(HEADERS(hdrs())) if i is None else i); j = p.bidi(HEADERS(hdrs())); await frames_of(p, j)
    g.__name__ = name; case(rfc)(g)
def a(f):
    async def g(p): return f(p)
    return g
ignored("plain_frames_by_hand", "9114 7", a(lambda p: p.bidi(HEADERS(hdrs()))))
ignored("unknown_frame_before_headers", "9114 9", a(lambda p: p.bidi(frame(GREASE, b"abc") + HEADERS(hdrs()))))
ignored("unknown_frame_after_headers", "9114 9", a(lambda p: p.bidi(HEADERS(hdrs(b"POST")) + frame(GREASE, b"abc") + frame(0, b"hello") + frame(GREASE, b""))))
ignored("unknown_frame_large", "9114 9", a(lambda p: p.bidi(HEADERS(hdrs()) + frame(GREASE, b"x" * 100000))))
ignored("unknown_frame_on_control_stream", "9114 9", a(lambda p: p.more(p.control, frame(GREASE, b"abc"))))
ignored("unknown_stream_type", "9114 6.2.3", a(lambda p: p.uni(uv(GREASE) + b"some data") and None))
ignored("unknown_stream_type_closed", "9114 6.2.3", a(lambda p: p.uni(uv(GREASE) + b"some data", True) and None))
ignored("unknown_stream_type_8_octets", "9114 6.2.3", a(lambda p: p.uni(uv(0x1f * (1 << 40) + 0x21) + b"x", True) and None))
ignored("empty_unidirectional_stream", "9114 6.2", a(lambda p: p.uni(b"", True) and None))
ignored("max_push_id_and_cancel_push", "9114 7.2.7", a(lambda p: p.more(p.control, frame(0xd, uv(5)) + frame(0xd, uv(9)))))
ignored("goaway_from_client", "9114 5.2", a(lambda p: p.more(p.control, frame(7, uv(0)))))
ignored("data_in_empty_and_small_frames", "9114 7.2.1", a(lambda p: p.bidi(HEADERS(hdrs(b"POST")) + frame(0, b"") + b"".join(frame(0, b"x") for _ in range(100)) + frame(0, b""))))
ignored("trailers_by_hand", "9114 4.1", a(lambda p: p.bidi(HEADERS(hdrs(b"POST")) + frame(0, b"hello") + HEADERS([(b"x-t", b"v")]))))
ignored("long_varints", "9000 16", a(lambda p: p.bidi(b"\x40\x01" + struct.pack(">I", 0x80000000 | len(qpack(hdrs()))) + qpack(hdrs()))))
ignored("priority_update_by_client", "9218 7.2", a(lambda p: p.more(p.control, frame(0xf0700, uv(0) + b"u=3"))))
@case("9110 9.3.2")
async def head_has_no_content():  # by hand: aioquic's own layer takes content-length in an answer to HEAD for an error
    async with raw() as p:
        i = p.bidi(HEADERS(hdrs(b"HEAD"))); await frames_of(p, i); r = p.raw[i]; k = 1 << (r[1] >> 6)
        n = int.from_bytes(r[1:1 + k], "big") & ((1 << (8 * k - 2)) - 1); rest = r[1 + k + n:]
        while rest[:2] == b"\0\0": rest = rest[2:]
        if rest[:1] == b"\0": raise Fail("DATA in the answer")
@case("9114 7.2.4.1")
async def unknown_settings():
    async with raw(uv(GREASE) + uv(7) + uv(0x1f * 99 + 0x21) + uv(1 << 40)) as p: await frames_of(p, p.bidi(HEADERS(hdrs())))
@case("9114 7")
async def frames_split_in_single_octets():
    async with raw() as p:
        b = HEADERS(hdrs(b"POST")) + frame(0, b"hello"); i = p.bidi(b[:1], False)
        for k in range(1, len(b)): p.more(i, b[k:k + 1], k == len(b) - 1); await asyncio.sleep(.002)
        await frames_of(p, i)
@case("9114 6.2.1")
async def request_before_control_stream():
    async with open_(h3=False) as p:
        i = p.bidi(HEADERS(hdrs())); await asyncio.sleep(.1); p.uni(uv(0) + frame(4, b"")); await frames_of(p, i)
# ---- HTTP/3 errors that close the connection ----
NAME = {0x101: "GENERAL_PROTOCOL_ERROR", 0x103: "STREAM_CREATION_ERROR", 0x104: "CLOSED_CRITICAL_STREAM", 0x105: "FRAME_UNEXPECTED", 0x106: "FRAME_ERROR", 0x108: "ID_ERROR", 0x109: "SETTINGS_ERROR", 0x10a: "MISSING_SETTINGS", 0x10d: "REQUEST_INCOMPLETE", 0x10e: "MESSAGE_ERROR", 0x200: "QPACK_DECOMPRESSION_FAILED", 0x201: "QPACK_ENCODER_STREAM_ERROR", 0x202: "QPACK_DECODER_STREAM_ERROR"}
def closes(name, rfc, codes, f, **k):
    codes = codes if isinstance(codes, tuple) else (codes,)
    async def g():
        async with raw(**k) as p:
            await asyncio.sleep(.05); f(p)
            try: await asyncio.wait_for(p.over.wait(), 4 * SLOW)
            except asyncio.TimeoutError: raise Fail("connection not closed")
            if p.term.error_code not in codes: raise Fail("closed with %s, expected %s" % (NAME.get(p.term.error_code, hex(p.term.error_code)), "/".join(NAME[c] for c in codes)))
    g.__name__ = name; case(rfc)(g)
closes("error_data_before_headers", "9114 4.1", 0x105, lambda p: p.bidi(frame(0, b"hello")))
closes("error_headers_after_trailers", "9114 4.1", 0x105, lambda p: p.bidi(HEADERS(hdrs(b"POST")) + frame(0, b"x") + HEADERS([(b"x-t", b"v")]) + HEADERS([(b"x-t", b"v")]), False))
closes("error_data_after_trailers", "9114 4.1", 0x105, lambda p: p.bidi(HEADERS(hdrs(b"POST")) + frame(0, b"x") + HEADERS([(b"x-t", b"v")]) + frame(0, b"x"), False))
for t, n in ((4, "settings"), (7, "goaway"), (3, "cancel_push"), (0xd, "max_push_id"), (5, "push_promise")):
    closes("error_%s_on_request_stream" % n, "9114 7.2", 0x105, lambda p, t=t: p.bidi(HEADERS(hdrs(b"POST")) + frame(t, uv(0) + (qpack(hdrs()) if t == 5 else b"")), False))
for t, n in ((0, "data"), (1, "headers"), (5, "push_promise")):
    closes("error_%s_on_control_stream" % n, "9114 7.2", 0x105, lambda p, t=t: p.more(p.control, frame(t, qpack(hdrs()))))
for t in (2, 6, 8, 9):
    closes("error_http2_frame_%d_on_control_stream" % t, "9114 7.2.8", 0x105, lambda p, t=t: p.more(p.control, frame(t, bytes(8))))
    closes("error_http2_frame_%d_on_request_stream" % t, "9114 7.2.8", 0x105, lambda p, t=t: p.bidi(HEADERS(hdrs(b"POST")) + frame(t, bytes(8)), False))
closes("error_second_settings", "9114 7.2.4", 0x105, lambda p: p.more(p.control, frame(4, b"")))
closes("error_control_without_settings", "9114 6.2.1", 0x10a, lambda p: None, control=frame(0xd, uv(1)))
closes("error_control_grease_before_settings", "9114 6.2.1", 0x10a, lambda p: None, control=frame(GREASE, b"") + frame(4, b""))
for i in (2, 3, 4, 5): closes("error_http2_setting_%d" % i, "9114 7.2.4.1", 0x109, lambda p: None, settings=uv(i) + uv(1))
closes("error_settings_cut_off", "9114 7.1", 0x106, lambda p: None, settings=uv(6))
closes("error_second_control_stream", "9114 6.2.1", 0x103, lambda p: p.uni(uv(0) + frame(4, b"")))
closes("error_second_encoder_stream", "9204 4.2", 0x103, lambda p: p.uni(uv(2)))
closes("error_second_decoder_stream", "9204 4.2", 0x103, lambda p: p.uni(uv(3)))
closes("error_push_stream_from_client", "9114 6.2.2", 0x103, lambda p: p.uni(uv(1) + uv(0)))
closes("error_control_stream_ended", "9114 6.2.1", 0x104, lambda p: p.more(p.control, b"", True))
closes("error_encoder_stream_ended", "9204 4.2", 0x104, lambda p: p.more(p.enc, b"", True))
closes("error_decoder_stream_ended", "9204 4.2", 0x104, lambda p: p.more(p.dec, b"", True))
closes("error_control_stream_reset", "9114 6.2.1", 0x104, lambda p: (p._quic.reset_stream(p.control, 0x10c), p.transmit()))
closes("error_frame_cut_off", "9114 7.1", 0x106, lambda p: p.bidi(HEADERS(hdrs(b"POST")) + uv(0) + uv(100) + b"short"))
closes("error_frame_header_cut_off", "9114 7.1", 0x106, lambda p: p.bidi(HEADERS(hdrs(b"POST")) + uv(0)))
closes("error_max_push_id_lowered", "9114 7.2.7", 0x108, lambda p: p.more(p.control, frame(0xd, uv(9)) + frame(0xd, uv(5))))
closes("error_cancel_push_never_promised", "9114 7.2.3", 0x108, lambda p: p.more(p.control, frame(3, uv(77))))
closes("error_max_push_id_trailing_octets", "9114 7.1", 0x106, lambda p: p.more(p.control, frame(0xd, uv(9) + b"xx")))
closes("error_goaway_empty", "9114 7.1", 0x106, lambda p: p.more(p.control, frame(7, b"")))
closes("error_cancel_push_empty", "9114 7.1", 0x106, lambda p: p.more(p.control, frame(3, b"")))
closes("error_qpack_bad_static_index", "9204 3.1", 0x200, lambda p: p.bidi(frame(1, b"\0\0" + qint(120, 6, 0xc0))))
closes("error_qpack_cut_off", "9204 2.2.3", 0x200, lambda p: p.bidi(frame(1, qpack(hdrs())[:-3])))
closes("error_qpack_bad_required_insert_count", "9204 4.5.1.1", 0x200, lambda p: p.bidi(frame(1, b"\xff\xff\xff\x7f\x00\x80")))
closes("error_qpack_bad_huffman", "9204 2.2.3", 0x200, lambda p: p.bidi(frame(1, b"\0\0" + b"\x2c\xff\xff\xff\xff" + b"\x01x")))
closes("error_qpack_capacity_over_limit", "9204 4.3.1", 0x201, lambda p: p.more(p.enc, qint(1 << 30, 5, 0x20)))
closes("error_qpack_insert_bad_static_name", "9204 3.1", 0x201, lambda p: p.more(p.enc, qint(120, 6, 0xc0) + b"\x01x"))
closes("error_qpack_duplicate_of_nothing", "9204 4.3.4", 0x201, lambda p: p.more(p.enc, qint(9, 5)))
closes("error_qpack_insert_count_increment_zero", "9204 4.4.3", 0x202, lambda p: p.more(p.dec, b"\x00"))
closes("error_qpack_insert_count_increment_too_big", "9204 4.4.3", 0x202, lambda p: p.more(p.dec, qint(1000, 6)))
closes("error_qpack_ack_of_nothing", "9204 4.4.1", 0x202, lambda p: p.more(p.dec, qint(0, 7, 0x80)))
# ---- malformed requests: stream error MESSAGE_ERROR or REQUEST_INCOMPLETE, or an answer 4xx ----
def malformed(name, rfc, b, codes=(0x10e,)):
    async def g():
        async with raw() as p:
            i = p.bidi(b)
            for _ in range(40):
                if p.term or i in p.reset or i in p.stop or p.wait_for(i).done(): break
                await asyncio.sleep(.1)
            got = p.term.error_code if p.term else p.reset.get(i, p.stop.get(i))
            if got is not None and not (got == 0x100 and i in p.raw):
                if got not in codes: raise Fail("%s with %s" % ("closed" if p.term else "reset", NAME.get(got, hex(got))))
            else:
                r = p.raw.get(i, b"")
                if not r: raise Fail("neither reset nor answered")
                from pylsqpack import Decoder
                n = {0: 1, 1: 2, 2: 4, 3: 8}[r[1] >> 6]; ln = int.from_bytes(r[1:1 + n], "big") & ((1 << (8 * n - 2)) - 1)
                st = int(dict(Decoder(0, 0).feed_header(0, r[1 + n:1 + n + ln])[1])[b":status"])
                if st < 400 or st >= 500: raise Fail("answered %d" % st)
            if p.term: return
            await frames_of(p, p.bidi(HEADERS(hdrs())))
    g.__name__ = "malformed_" + name; case(rfc)(g)
def without(k): return [x for x in hdrs() if x[0] != k]
def swap(k, v): return [(n, v if n == k else o) for n, o in hdrs()]
for n, k in (("no_method", b":method"), ("no_scheme", b":scheme"), ("no_path", b":path"), ("no_authority_no_host", b":authority")): malformed(n, "9114 4.3.1", HEADERS(without(k)))
malformed("empty_path", "9114 4.3.1", HEADERS(swap(b":path", b"")))
malformed("two_methods", "9114 4.3.1", HEADERS([(b":method", b"GET")] + hdrs()))
malformed("two_paths", "9114 4.3.1", HEADERS([(b":path", b"/")] + hdrs()))
malformed("unknown_pseudo_header", "9114 4.3", HEADERS([(b":conform", b"x")] + hdrs()))
malformed("response_pseudo_header", "9114 4.3", HEADERS([(b":status", b"200")] + hdrs()))
malformed("pseudo_header_after_field", "9114 4.3", HEADERS([(b":method", b"GET"), (b":scheme", b"https"), (b"x-a", b"b"), (b":authority", AUTH), (b":path", b"/")]))
malformed("upper_case_name", "9114 4.2", HEADERS(hdrs(b"GET", (b"X-Upper", b"v"))))
malformed("space_in_name", "9114 4.2", HEADERS(hdrs(b"GET", (b"x y", b"v"))))
malformed("newline_in_value", "9114 10.3", HEADERS(hdrs(b"GET", (b"x-a", b"a\r\nb: c"))))
malformed("nul_in_value", "9114 10.3", HEADERS(hdrs(b"GET", (b"x-a", b"a\0b"))))
malformed("host_differs_from_authority", "9114 4.3.1", HEADERS(hdrs(b"GET", (b"host", b"other.invalid"))))
for n, v in ((b"connection", b"close"), (b"keep-alive", b"5"), (b"transfer-encoding", b"chunked"), (b"upgrade", b"x"), (b"proxy-connection", b"x"), (b"te", b"gzip")): malformed("field_" + n.decode().replace("-", "_"), "9114 4.2", HEADERS(hdrs(b"GET", (n, v))))
malformed("pseudo_header_in_trailers", "9114 4.3", HEADERS(hdrs(b"POST")) + frame(0, b"x") + HEADERS([(b":path", b"/")]))
malformed("content_length_too_small", "9114 4.1.2", HEADERS(hdrs(b"POST", (b"content-length", b"2"))) + frame(0, b"hello"))
malformed("content_length_too_large", "9114 4.1.2", HEADERS(hdrs(b"POST", (b"content-length", b"9"))) + frame(0, b"hello"))
malformed("content_length_twice", "9110 8.6", HEADERS(hdrs(b"POST", (b"content-length", b"5"), (b"content-length", b"6"))) + frame(0, b"hello"))
malformed("connect_with_path", "9114 4.4", HEADERS(hdrs(b"CONNECT")))
malformed("stream_ends_without_headers", "9114 4.1", b"", (0x10d, 0x10e))
malformed("stream_ends_after_unknown_frame", "9114 4.1", frame(GREASE, b"x"), (0x10d, 0x10e))
@case("9114")
async def te_trailers_is_allowed():
    async with raw() as p: await frames_of(p, p.bidi(HEADERS(hdrs(b"GET", (b"te", b"trailers")))))
@case("9114 4.3.1")
async def host_instead_of_authority():
    async with raw() as p: await frames_of(p, p.bidi(HEADERS(without(b":authority") + [(b"host", AUTH)])))
async def main():
    global ECHO
    try:
        async with open_() as p: st, b = await p.result(p.start(hdrs(b"POST"), b"probe-body"))
        ECHO = b == b"probe-body"; print("bodies compared: %s" % ("yes" if ECHO else "no (status %d, body not sent back)" % st))
    except Exception as e: print("cannot use the server: %s" % e); print("0/0 passed/total"); return 2
    ok = n = 0
    async def attempt(f):
        try: await asyncio.wait_for(f(), 90 * SLOW)
        except Exception as e: return str(e) if isinstance(e, Fail) else repr(e)
    for name, rfc, f in CASES + [("server-alive-at-the-end", "", get)]:
        if not FILTER.search(name): continue
        n += 1; t = time.time(); e = await attempt(f)
        if e: print("FAIL %-45s RFC %s: %s" % (name, rfc, e[:200]))
        else:
            ok += 1
            if os.environ.get("VERBOSE"): print("ok   %-45s RFC %s %.1f s" % (name, rfc, time.time() - t))
        sys.stdout.flush()
    print("%d/%d passed/total" % (ok, n)); return 0 if ok == n and n else 1
r = asyncio.run(main()); sys.stdout.flush(); os._exit(r)
