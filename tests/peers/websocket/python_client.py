"""The package websockets: python_client.py ADDRESS CASES"""
import asyncio
import json
import ssl
import sys

import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus


def connect(address, case, **rest):
    tls = ssl.create_default_context() if address.startswith("wss:") else None
    if tls:
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE  # the server's certificate is made at its start
    return websockets.connect(address + case["path"], ssl=tls, max_size=None, open_timeout=20, proxy=None, **rest)


def message(kind, length, number):
    text = "".join(chr(97 + (number + at) % 26) for at in range(min(length, 1000)))
    text = (text * (length // 1000 + 1))[:length]
    return text if kind == "text" else text.encode()


async def echo(address, case):
    sent = [message(case["kind"], case["length"], number) for number in range(case["count"])]

    async def send(socket):
        for one in sent:
            step = len(one) // case["fragments"] + 1
            await socket.send([one[at:at + step] for at in range(0, len(one), step)] if case["fragments"] > 1 else one)

    async with connect(address, case) as socket:
        sending = asyncio.create_task(send(socket))
        for number, one in enumerate(sent):
            if await socket.recv() != one:
                return f"message {number} is another"
        await sending
    return "same"


async def extensions(address, case):
    async with connect(address, case) as socket:
        return "permessage-deflate" in socket.response.headers.get("sec-websocket-extensions", "")


async def ping(address, case):
    async with connect(address, case) as socket:
        await (await socket.ping(b"flare"))
        return "pong"


async def close(address, case):
    async with connect(address, case) as socket:
        await socket.close(case["code"], case["reason"])
        return [socket.close_code, socket.close_reason]


async def too_big(address, case):
    # Not `async with`, whose end fails in the library's own hands where both sides have closed in the middle of a send.
    socket = await connect(address, case, compression=None)
    try:
        await socket.send(b"x" * case["length"])
        await socket.recv()
    except ConnectionClosed as error:
        return error.rcvd.code if error.rcvd else "no Close"
    return "taken"


async def refused(address, case):
    try:
        async with connect(address, case, origin=case.get("origin")):
            return "accepted"
    except InvalidStatus as error:
        return error.response.status_code


async def chat(address, case):
    async with connect(address, case) as one, connect(address, case) as other:
        await one.send(case["text"])
        return [await one.recv(), await other.recv()]


DO = {"echo": echo, "extensions": extensions, "ping": ping, "close": close, "too big": too_big, "refused": refused, "origin": refused,
      "chat": chat}


async def main(address, cases):
    return [await asyncio.wait_for(DO[case["do"]](address, case), 30) for case in cases]


json.dump(asyncio.run(main(sys.argv[1], json.load(open(sys.argv[2])))), sys.stdout)
