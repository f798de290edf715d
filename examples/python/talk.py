"""A client of WebSockets: sends each line of standard input as a message, and writes each message that comes to standard output, on a line
of its own. When the input ends it closes, and ends with the socket.

    talk.py [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]

`--http2`: without TLS, by prior knowledge; with TLS the server chooses.
"""

import argparse
import os
import sys
import threading
from collections.abc import Iterator
from typing import NoReturn

import flare
from flare import BlockingWebSocket, ClientTls


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(1, self.format_usage())


def options() -> argparse.Namespace:
    parser = Parser(usage="talk [--http2] [--ca FILE | --insecure] [--deflate] [--protocol NAME] ws[s]://HOST[:PORT][/PATH]")
    parser.add_argument("--http2", action="store_true", help="without TLS, by prior knowledge; with TLS the server chooses")
    parser.add_argument("--ca", metavar="FILE", help="the authorities to believe, as PEM")
    parser.add_argument("--insecure", action="store_true", help="believe anybody")
    parser.add_argument("--deflate", action="store_true", help="offer to compress messages")
    parser.add_argument("--protocol", metavar="NAME", action="append", default=[], help="a subprotocol to offer")
    parser.add_argument("url", metavar="ws[s]://HOST[:PORT][/PATH]")
    return parser.parse_args()


def lines() -> Iterator[str]:
    """Standard input. Not by `sys.stdin`, which a program that ends meanwhile would wait for."""
    rest = b""
    while chunk := os.read(0, 1 << 16):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.removesuffix(b"\r").decode() for line in whole)
    if rest:
        yield rest.decode()


def send_lines(ws: BlockingWebSocket) -> None:
    """Sends lines until there are no more. The other thread receives meanwhile, so this may wait for the server as long as it likes."""
    try:
        for line in lines():
            ws.send(line)
    except (OSError, UnicodeDecodeError):
        # The socket has ended, which the other thread is told; or what was typed is no text.
        pass
    ws.begin_close()


def talk(given: argparse.Namespace) -> int:
    tls = ClientTls(roots=given.ca or (), insecure_any_certificate=given.insecure)
    http2 = True if given.http2 else None
    # A server that is not there yet, or has too much to do, is asked again.
    opener = flare.websocket(
        given.url, protocols=given.protocol, tls=tls, http2=http2, deflate=given.deflate, message_limit=16 << 20, attempts=3
    )
    ws = opener.open()
    print(f"open: HTTP/{ws.http_version} {ws.subprotocol or '-'}", file=sys.stderr)
    # It may wait for a line when the socket ends; then it ends with the program.
    threading.Thread(target=send_lines, args=(ws,), daemon=True).start()
    for message in ws:
        print(message if isinstance(message, str) else f"{len(message)} bytes", flush=True)
    print(f"closed: {ws.close_code}{f': {ws.close_reason}' if ws.close_reason else ''}", file=sys.stderr)
    return 0 if ws.was_clean else 1


def main() -> int:
    given = options()
    try:
        return talk(given)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
