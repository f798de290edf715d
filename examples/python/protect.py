"""The middleware that comes with flare: a log around everything, a key to get in, and a limit for each client. None of it comes to
Python."""

from flare import App, Request
from flare.middleware import AccessLog, BearerAuth, RateLimit
from support import run

app = App()
# The first is outermost: the log sees what the others refuse.
app.middleware(AccessLog())
app.middleware(BearerAuth("api", {"open-sesame": "ann"}))
app.middleware(RateLimit(3, 1 / 60))


@app.get("/hello")
def hello(request: Request) -> str:
    return f"hello, {request.identity}\n"


if __name__ == "__main__":
    run(app)
