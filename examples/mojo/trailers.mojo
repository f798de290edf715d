"""Fields behind the content (RFC 9110, 6.5): the sum of the content is only known at its end. Both sides send one."""

from flare import Request, Response, Router, bad_request
from support.run import run


def post_sum(request: Request) raises -> Response:
    var sum = UInt32(0)
    for byte in request.body():
        sum += UInt32(byte)
    if request.trailer("x-sum").or_else("") != String(sum):
        return bad_request("the trailer x-sum is missing or wrong\n")
    var response = Response.bytes(request.body())
    response.headers.add("content-type", "application/octet-stream")
    response.headers.add("trailer", "x-sum")
    response.trailers.add("x-sum", String(sum))
    return response^


def main() raises:
    var router = Router()
    router.post("/sum", post_sum)
    run(router)
