"""Content that is used while it comes: it is counted, and nothing of it is kept."""

from flare import App, Request
from support import run

app = App()


# Called at the head of the request, before any content is read: here it could still be refused.
@app.post("/upload", stream=True, body_limit=1 << 40)
async def post_upload(request: Request) -> str:
    size = lines = 0
    async for chunk in request:
        size += len(chunk)
        lines += chunk.count(b"\n")
    return f"{size} bytes, {lines} lines\n"


if __name__ == "__main__":
    run(app)
