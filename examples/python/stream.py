"""Content that is made while the client takes it: whatever gives pieces is asked for the next one when there is room."""

from collections.abc import AsyncIterator, Iterator

from flare import App, Request, Response
from support import run

app = App()


@app.get("/countdown")
def get_countdown(request: Request) -> Iterator[str]:
    for number in range(10, 0, -1):
        yield f"{number}\n"


async def letters() -> AsyncIterator[bytes]:
    for number in range(4000):
        yield b"abcdefghijklmnopqrstuvwxyz"[number % 26 :][:1] * 1000


@app.get("/letters")
async def get_letters(request: Request) -> Response:
    # The type is known, so the head leaves before the first piece is there.
    return Response(letters(), content_type="text/plain; charset=utf-8")


if __name__ == "__main__":
    run(app)
