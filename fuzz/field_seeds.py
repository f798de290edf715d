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
