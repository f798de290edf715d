"""Routes: parameters, an app mounted below another, JSON given back. What has no route is 404, or 405 for another method."""

from flare import App, Request, Response
from support import run

app = App()
api = App()
app.mount("/api", api)


@app.get("/hi/:name")
def get_hi(request: Request) -> str | tuple[str, int]:
    name = request.params["name"]
    if len(name.encode()) > 200:
        return "the name is too long\n", 400
    return f"hi, {name}\n"


# `*path` takes the rest of the path, slashes included, and is decoded.
@app.get("/files/*path")
def get_file(request: Request) -> str:
    return request.params["path"]


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and (text == "0" or text[0] != "0")


@api.get("/users/:id")
def get_user(request: Request) -> dict[str, object] | tuple[dict[str, object], int]:
    number = request.params["id"]
    if not is_number(number):
        return {"error": "no such user"}, 404
    return {"id": int(number)}


@api.post("/echo")
def post_echo(request: Request) -> Response:
    if request.headers.get("content-type") != "application/json":
        return Response.json({"error": "send application/json"}, 415)
    return Response(request.body, content_type="application/json")


if __name__ == "__main__":
    run(app)
