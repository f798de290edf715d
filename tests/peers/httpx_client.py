"""httpx with HTTP/2 alone, all cases at once on one connection: httpx_client.py ADDRESS CASES"""
import asyncio
import json
import sys

import httpx

from cases import content, digest


async def ask(client, case):
    body = None if case["send"] is None else content(case["send"])
    answer = await client.request(case["method"], case["path"], content=body)
    return [answer.status_code, digest(answer.content), answer.http_version]


async def main(address, cases):
    async with httpx.AsyncClient(base_url=address, http1=False, http2=True, timeout=60) as client:
        return await asyncio.gather(*(ask(client, case) for case in cases))


json.dump(asyncio.run(main(sys.argv[1], json.load(open(sys.argv[2])))), sys.stdout)
