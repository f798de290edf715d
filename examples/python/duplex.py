"""Both ways at once: the content goes back while it comes. When the client takes none of it, no more of the request is read."""

from collections.abc import AsyncIterator

from flare import App, Request, Response
from support import run

app = App()


async def echo(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request:
        yield chunk


@app.post("/echo", stream=True)
async def post_echo(request: Request) -> Response:
    # The head leaves now, before any content has come.
    return Response(echo(request), content_type="application/octet-stream")


if __name__ == "__main__":
    run(app)
