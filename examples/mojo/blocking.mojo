"""A handler that blocks: its route says so, and it is called on a pool of threads instead of a worker."""

from std.time import sleep

from flare import Request, Response, RouteOptions, Router, ok
from support.run import run


def get_sleep(request: Request) -> Response:
    sleep(0.02)
    return ok("slept 20 ms\n")


def main() raises:
    var router = Router()
    # Who waits longer gets 503.
    router.get("/sleep", get_sleep, RouteOptions(blocking=True, handler_timeout_ms=10_000))
    run(router)
