"""A client: fetches several things from one server, at the same time where the wire can, and writes their content to standard output in
the order they were asked for.

    fetch.py [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH...

`--http2`: without TLS, by prior knowledge; with TLS the server chooses. `--http3`: by QUIC. `--send`: POST with the content of a file.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import NoReturn

from flare import AsyncClient, ClientError, ClientResponse, ClientTls


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(1, self.format_usage())


def options() -> argparse.Namespace:
    parser = Parser(usage="fetch [--http2 | --http3] [--ca FILE | --insecure] [--send FILE] http[s]://HOST[:PORT] PATH...")
    wire = parser.add_mutually_exclusive_group()
    wire.add_argument("--http2", action="store_true", help="without TLS, by prior knowledge; with TLS the server chooses")
    wire.add_argument("--http3", action="store_true", help="by QUIC")
    parser.add_argument("--ca", metavar="FILE", help="the authorities to believe, as PEM")
    parser.add_argument("--insecure", action="store_true", help="believe anybody")
    parser.add_argument("--send", metavar="FILE", help="POST with the content of a file")
    parser.add_argument("origin", metavar="http[s]://HOST[:PORT]")
    parser.add_argument("paths", metavar="PATH", nargs="+")
    return parser.parse_args()


async def fetch(given: argparse.Namespace) -> list[ClientResponse]:
    encrypted = given.origin.startswith("https:")
    tls = ClientTls(roots=given.ca or (), insecure_any_certificate=given.insecure) if encrypted else None
    http2 = True if given.http2 and not encrypted else None
    content = Path(given.send).read_bytes() if given.send else None
    method = "POST" if given.send else "GET"
    async with AsyncClient(given.origin, tls=tls, http2=http2, http3=given.http3) as client:
        return await asyncio.gather(*(client.request(method, path, content=content or None) for path in given.paths))


def main() -> int:
    given = options()
    try:
        answers = asyncio.run(fetch(given))
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        print(f"fetch: {error}", file=sys.stderr)
        return 1
    for path, answer in zip(given.paths, answers, strict=True):
        print(answer.status, path, file=sys.stderr)
        sys.stdout.buffer.write(answer.body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
