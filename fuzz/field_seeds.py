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


def files():
    """The first byte: 1 index, 2 hidden files, 4 compressed ones, 8 HEAD. Then the path, and fields."""
    plain, index, all_, head = b"\0", b"\1", b"\7", b"\x0c"
    many = ",".join(f"{at * 200}-{at * 200 + 9}" for at in range(64))
    return {
        "whole": plain + fields("a.txt"),
        "head": head + fields("a.txt", "rbytes=0-9", "egzip"),
        "range": plain + fields("a.txt", "rbytes=10-19"),
        "from": plain + fields("b", "rbytes=90-"),
        "suffix": plain + fields("b", "rBytes=-20"),
        "long-suffix": plain + fields("b", "rbytes=-500"),
        "beyond": plain + fields("b", "rbytes=100-200"),
        "too-large": plain + fields("b", "rbytes=5-99999999999999999999", "x"),
        "backwards": plain + fields("b", "rbytes=20-10"),
        "other-unit": plain + fields("b", "rlines=1-2"),
        "ranges": plain + fields("a.txt", "rbytes=500-509, 0-9 ,-100,5-30,,300-"),
        "joined-ranges": plain + fields("a.txt", "rbytes=0-9,90-99,400-409,600-609,490-520"),
        "some-beyond": plain + fields("large", "rbytes=19990-,30000-, 0-17999"),
        "many-ranges": plain + fields("large", f"rbytes={many}"),
        "too-many-ranges": plain + fields("large", f"rbytes={many},19999-"),
        "two-fields": plain + fields("b", "rbytes=0-9", "rbytes=0-9"),
        "empty": plain + fields("empty", "rbytes=0-"),
        "empty-suffix": plain + fields("empty", "rbytes=-5"),
        "if-range": plain + fields("b", "rbytes=0-9", 'i"$"'),
        "if-range-other": plain + fields("b", "rbytes=0-9", 'iW/"$"'),
        "if-range-date": plain + fields("b", "rbytes=0-9", "i@"),
        "none-match": plain + fields("a.txt", 'n"x", W/"$"'),
        "none-match-other": plain + fields("a.txt", 'n"x"', 'n"y" "$"', "sWed, 21 Oct 2015 07:28:00 GMT"),
        "match": plain + fields("a.txt", 'm"x,", "$"', "rbytes=0-9"),
        "match-weak": plain + fields("a.txt", 'mW/"$"'),
        "any": plain + fields("b", "m*", "n*"),
        "since": plain + fields("a.txt", "s@"),
        "since-before": plain + fields("a.txt", "sSun Sep  9 01:46:39 2001"),
        "since-850": plain + fields("a.txt", "sSunday, 09-Sep-01 01:46:40 GMT"),
        "since-bad": plain + fields("a.txt", "sMon, 31 Feb 2011 01:46:40 GMT", "uSun, 09 Sep 2001 01:46:40 GMT"),
        "unmodified": plain + fields("b", "uSun, 09 Sep 2001 01:46:40 GMT"),
        "no-time": plain + fields("old", 'n"$"', "s@", 'i"x"', "rbytes=0-9"),
        "coded": all_ + fields("a.txt", "egzip, deflate, br, zstd", 'n"$"'),
        "coded-same": all_ + fields("a.txt", "ebr", 'n"&"', "rbytes=0-9"),
        "weights": all_ + fields("a.txt", "egzip;q=1.0, br;q=0.5", "ezstd ; Q=0.501"),
        "no-identity": all_ + fields("a.txt", "e*;q=0.5, identity;q=0.6, gzip"),
        "refused": all_ + fields("a.txt", "e*, br;q=0", "rbytes=-100"),
        "bad-weights": all_ + fields("a.txt", "ebr;q=1.001, gzip;q=0.0001, zstd;level=1, x-gzip;q=0.2"),
        "coded-old": all_ + fields("b", "ebr, zstd;q=0.1"),
        "index": index + fields("d/"),
        "index-root": index + fields(""),
        "no-index": plain + fields("d/"),
        "redirect": index + fields("d?a=b"),
        "redirect-without": index + fields("d/e"),
        "hidden": b"\2" + fields("d/.x/y"),
        "not-shown": plain + fields(".hidden"),
        "encoded": plain + fields("%64/c%20d.css", "rbytes=80-"),
        "encoded-slash": plain + fields("d/a%2fb"),
        "out": all_ + fields("../secret"),
        "out-encoded": all_ + fields("d/%2e%2e/%2e%2E/secret"),
        "backslash": all_ + fields("d\\..\\a.txt"),
        "empty-names": all_ + fields("d//index.html"),
        "link": all_ + fields("link"),
        "link-out": all_ + fields("out"),
        "link-up": all_ + fields("d/up/secret"),
        "file-as-directory": all_ + fields("a.txt/"),
        "nul": plain + fields("a.txt%00.html"),
    }
