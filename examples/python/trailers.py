"""Fields behind the content (RFC 9110, 6.5): the sum of the content is only known at its end. Both sides send one."""

from flare import App, Request, Response
from support import run

app = App()


@app.post("/sum")
def post_sum(request: Request) -> Response:
    total = str(sum(request.body))
    if request.trailers.get("x-sum") != total:
        return Response("the trailer x-sum is missing or wrong\n", 400)
    response = Response(request.body, headers={"trailer": "x-sum"})
    response.trailers["x-sum"] = total
    return response


if __name__ == "__main__":
    run(app)
