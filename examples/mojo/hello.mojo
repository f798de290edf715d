from flare import Request, Response, Router, ok, serve


def hello(request: Request) -> Response:
    return ok("Hello, World!\n")


def main() raises:
    var router = Router()
    router.get("/", hello)
    serve(router^, "127.0.0.1:8080")
