"""An interim answer: 103 (RFC 8297) tells the client what to load while the page is still being made."""

from flare import App, Request, Response
from support import run

PAGE = "<!doctype html><title>flare</title><link rel=stylesheet href=/style.css><p>hello\n"

app = App()


@app.get("/")
def get_page(request: Request) -> Response:
    request.inform(103, {"link": "</style.css>; rel=preload; as=style"})
    # Here a real page would ask a database.
    return Response.html(PAGE)


@app.get("/style.css")
def get_style(request: Request) -> Response:
    return Response("p { color: tomato }\n", content_type="text/css; charset=utf-8")


if __name__ == "__main__":
    run(app)
