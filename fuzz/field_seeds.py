"""Seeds of the targets whose input is fields, a line for each: fuzz/make_seeds writes them."""


def fields(*lines):
    return "\n".join(lines).encode()


def websocket_handshake():
    """The first bytes: what the server wants, and its windows (16 * receives + sends); the same of the client."""
    anew, over = b"\0\xff\0\xff", b"\3\xff\3\xff"
    narrow = b"\0\xac\2\xba"
    deflate = "permessage-deflate"
    no_takeover = "server_no_context_takeover; client_no_context_takeover"
    return {
        "keys": anew + fields("kdGhlIHNhbXBsZSBub25jZQ==", "kAQIDBAUGBwgJCgsMDQ4PEC==", "k", "kdGhlIHNhbXBsZSBub25jZQ", "k" + "A" * 24),
        "plain": over + fields(f"e{deflate}", f"a{deflate}"),
        "browser": over + fields(
            "kdGhlIHNhbXBsZSBub25jZQ==", f"e{deflate}; client_max_window_bits", f"a{deflate}; client_max_window_bits=12",
        ),
        "all-parameters": narrow + fields(
            f"e{deflate}; {no_takeover}; server_max_window_bits=10; client_max_window_bits=9",
            f"a{deflate}; {no_takeover}; server_max_window_bits=10; client_max_window_bits=9",
        ),
        "several-offers": over + fields(
            f"e{deflate}; server_max_window_bits=8, {deflate}; unknown, x-other; a=1, {deflate}; server_max_window_bits=12, {deflate}",
        ),
        "several-fields": over + fields(
            "ex-other", f"e{deflate}; client_max_window_bits=7", "pa, b", f"e{deflate};server_max_window_bits=9", "pc", "sc", "sb",
        ),
        "quoted": over + fields(f'e{deflate}; server_max_window_bits="10"; client_max_window_bits="\\1\\5"', f'a{deflate};server_max_window_bits="8"'),
        "white-space": over + fields(f"e ,\t{deflate} ;\tserver_max_window_bits = 11 ,, {deflate}", f"a,{deflate} ; client_max_window_bits\t=\t14,"),
        "twice": over + fields(f"e{deflate}; client_max_window_bits; client_max_window_bits=9, {deflate}", f"a{deflate}, {deflate}"),
        "bad-values": over + fields(
            f"e{deflate}; server_max_window_bits=08, {deflate}; server_max_window_bits=16, {deflate}; client_no_context_takeover=1",
        ),
        "no-list": over + fields(f"e{deflate};", f'a{deflate}; server_max_window_bits="1'),
        "open-quotes": over + fields('ex; a="b', 'e"', f"e{deflate}"),
        "empty": over + fields("e", "a", "p", "c"),
        "narrowest-client": b"\3\xff\3\x80" + fields(
            f"e{deflate}; server_max_window_bits=8", f"a{deflate}; server_max_window_bits=8; client_max_window_bits=8",
        ),
        "no-such-windows": b"\0\0\0\0" + fields(
            f"e{deflate}; client_max_window_bits", f"a{deflate}; server_no_context_takeover; server_max_window_bits=8",
        ),
        "not-asked-for": b"\3\xff\1\xff" + fields(f"a{deflate}"),
        "other-extension": over + fields("ax-webkit-deflate-frame", f"a{deflate}"),
        "subprotocols": anew + fields("pchat, superchat", "p v2.x ,,", "ssuperchat", "sv2.x", "csuperchat"),
        "subprotocol-twice": anew + fields("pa, b, a", "sa", "ca", "ca"),
        "subprotocol-not-offered": anew + fields("pa", "sb", "ca"),
        "no-subprotocols": anew + fields("pa b", "sa;b", "ca, b"),
    }


def forwarded():
    """The first byte: 1 for a peer that is trusted, 2 * the field (Forwarded, X-Forwarded-*, both).

    Trusted: 10.0.0.0/8, 192.0.2.7, fd00::/8, 2001:db8::/33."""
    standard, x_fields, both = b"\1", b"\3", b"\5"
    return {
        "one": standard + fields("ffor=192.0.2.60;proto=HTTP;by=203.0.113.43;host=example.com"),
        "hops": standard + fields('ffor=198.51.100.1;proto=https;host="a:8443", for=10.0.0.9', 'ffor="[fd00::9]:4711";proto=http'),
        "trusted-all": standard + fields("ffor=10.1.2.3;proto=https, for=192.0.2.7, for=10.0.0.1"),
        "hidden": standard + fields("ffor=198.51.100.1, for=unknown, for=10.0.0.1", "ffor=_hidden;host=a"),
        "ports": standard + fields('ffor="192.0.2.60:_port", for="10.0.0.1:80", for="10.0.0.1:123456"'),
        "escaped": standard + fields('ffor="192.0.2.\\60";x="a\\"b,c\\\\", for="10.0.0.\\1"'),
        "open-quotes": standard + fields('ffor="6.6.6.6', 'f", for=198.51.100.1;host="a,b"'),
        "forged": standard + fields('ffor="6.6.6.6\\", for=198.51.100.1'),
        "twice": standard + fields("ffor=198.51.100.1;for=198.51.100.2", "ffor=10.0.0.1;x=1;x=2"),
        "malformed": standard + fields("ffor=198.51.100.1;", "f,, ,"),
        "white-space": standard + fields("f for=198.51.100.1 ;\thost=a , ", "f", "ffor=10.0.0.1\t,"),
        "bad-scheme": standard + fields('fproto=1a;host="a b";for=198.51.100.1', "ffor=10.0.0.1"),
        "mapped": standard + fields('ffor="[::ffff:198.51.100.1]:80"', 'ffor="[2001:db8:7fff::1]"'),
        "x": x_fields + fields("x6.6.6.6, 198.51.100.1, 10.0.0.2", "pgopher, HTTPS", "ha.test, shop.test:8443"),
        "x-addresses": x_fields + fields("x::ffff:198.51.100.1,2001:db8::1", "x[2001:db8::2]:80, [fd00::1] ,10.0.0.1:_a"),
        "x-hidden": x_fields + fields('x198.51.100.1, "10.0.0.1", 10.0.0.2', "p", "h,"),
        "x-without-for": x_fields + fields("phttps", "ha.test"),
        "both": both + fields("ffor=198.51.100.1;proto=https;host=evil", "x198.51.100.1", "phttps", "hgood"),
        "both-contradict": both + fields("ffor=198.51.100.1", "x198.51.100.2", "phttps"),
        "both-one": both + fields("x198.51.100.1", "hgood"),
        "not-trusted": b"\0" + fields("ffor=198.51.100.1", "x198.51.100.2"),
    }
