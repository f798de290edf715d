"""A server of the package hypercorn, which has WebSockets on HTTP/2 too, on a free port that it prints: hypercorn_server.py [CERTIFICATE KEY]. What it
does for each path is in ../websocket_servers.py."""
import asyncio
import socket
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    if scope["path"] == "/refuse":
        await send({"type": "websocket.close"})
        return
    chosen = "v1" if "v1" in scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    while (event := await receive())["type"] == "websocket.receive":
        if scope["path"] == "/close":
            await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
            return
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})


listener = socket.create_server(("127.0.0.1", 0))
config = Config()
config.bind = [f"fd://{listener.fileno()}"]
config.accesslog = config.errorlog = None
config.websocket_max_message_size = 16 << 20
if len(sys.argv) > 1:
    config.certfile, config.keyfile = sys.argv[1:]
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
asyncio.run(serve(app, config))
