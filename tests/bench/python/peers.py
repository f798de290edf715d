"""The peers: the same two answers as bare ASGI and RSGI applications, and ones that look at every field and at the query."""

import json
from urllib.parse import parse_qsl

TEXT = b"Hello, World!"
PLAIN = [(b"content-type", b"text/plain"), (b"content-length", b"13")]


async def answer(send, head, body):
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            await send({"type": (await receive())["type"] + ".complete"})
    if scope["method"] != "POST":
        return await answer(send, PLAIN, TEXT)
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    out = json.dumps(json.loads(body)).encode()
    await answer(send, [(b"content-type", b"application/json"), (b"content-length", str(len(out)).encode())], out)


async def rsgi(scope, protocol):
    if scope.method != "POST":
        protocol.response_bytes(200, [("content-type", "text/plain"), ("content-length", "13")], TEXT)
        return
    out = json.dumps(json.loads(await protocol())).encode()
    protocol.response_bytes(200, [("content-type", "application/json"), ("content-length", str(len(out)))], out)


async def asgi_read(scope, receive, send):
    if scope["type"] == "lifespan":
        return await asgi(scope, receive, send)
    {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    dict(parse_qsl(scope["query_string"].decode()))
    await answer(send, PLAIN, TEXT)


async def rsgi_read(scope, protocol):
    dict(scope.headers.items())
    dict(parse_qsl(scope.query_string))
    protocol.response_bytes(200, [("content-type", "text/plain"), ("content-length", "13")], TEXT)
