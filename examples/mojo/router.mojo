"""Routes: parameters, a router mounted below another, JSON given back. What has no route is 404, or 405 for another method."""

from flare import Request, Response, Router, bad_request, ok
from support.number import number
from support.run import run


def get_hi(request: Request) raises -> Response:
    var name = request.param("name")
    if name.byte_length() > 200:
        return bad_request("the name is too long\n")
    return ok("hi, " + name + "\n")


def get_file(request: Request) raises -> Response:
    # "*path" takes the rest of the path, slashes included, and is decoded.
    return ok(request.param("path"))


def get_user(request: Request) raises -> Response:
    var id = request.param("id")
    var found = number(id.as_bytes(), 999_999_999)
    if not found or (id.startswith("0") and id != "0"):
        return Response.json('{"error":"no such user"}', status=404)
    return Response.json(String('{"id":', found.value(), "}"))


def post_echo(request: Request) raises -> Response:
    var type = request.header("content-type").or_else("")
    if type != "application/json":
        return Response.json('{"error":"send application/json"}', status=415)
    return Response.bytes(request.body()).with_header("content-type", type)


def main() raises:
    var api = Router()
    api.get("/users/:id", get_user)
    api.post("/echo", post_echo)
    var router = Router()
    router.get("/hi/:name", get_hi)
    router.get("/files/*path", get_file)
    router.mount("/api", api)
    run(router)
