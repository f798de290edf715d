"""A server of the package websockets, on a free port that it prints: python_server.py [CERTIFICATE KEY]. What it does for each path is in
../websocket_servers.py."""
import asyncio
import http
import ssl
import sys

from websockets.asyncio.server import serve


async def serve_one(socket):
    path = socket.request.path
    async for message in socket:
        if path == "/close":
            await socket.close(4001, "enough")
        elif path == "/vanish":
            socket.transport.abort()
        elif path == "/fragments":
            await socket.send([message[at : at + 7] for at in range(0, len(message), 7)] or [message])
        else:
            if path == "/ping":
                await (await socket.ping(b"here?"))
            await socket.send(message)


def refuse(connection, request):
    return connection.respond(http.HTTPStatus.UNAUTHORIZED, "who?\n") if request.path == "/refuse" else None


def choose(_, offered):
    return "v1" if "v1" in offered else None


async def main(pair):
    tls = None
    if pair:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*pair)
    # With a bound on messages it would not read the Pong behind them.
    options = {"max_queue": None, "process_request": refuse, "select_subprotocol": choose, "max_size": 16 << 20}
    async with serve(serve_one, "127.0.0.1", 0, ssl=tls, **options) as server:
        print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


asyncio.run(main(sys.argv[1:]))
