"""The middleware that comes with flare: a log around everything, a key to get in, and a limit for each client. None of it is code in
Mojo, but for the lines of the log."""

from flare import Request, Response, Router, access_log, bearer_auth, ok, rate_limit
from support.run import run


def hello(request: Request) raises -> Response:
    return ok("hello, " + request.identity().or_else("") + "\n")


def main() raises:
    var router = Router()
    # The first is outermost: the log sees what the others refuse.
    router.use(access_log())
    router.use(bearer_auth("api", {"open-sesame": "ann"}))
    router.use(rate_limit(3, per_minute=1))
    router.get("/hello", hello)
    run(router)
