"""An answer from another thread: slow work must not block a worker, so the handler keeps the exchange and returns."""

from flare import Exchange, Router, bad_request, ok
from support.number import number
from support.run import run
from support.threads import Work, spawn


def is_prime(n: Int) -> Bool:
    var i = 2
    while i <= n // i:
        if n % i == 0:
            return False
        i += 1
    return n >= 2


struct Job(Work):
    var exchange: Exchange
    var below: Int

    def __init__(out self, var exchange: Exchange, below: Int):
        self.exchange = exchange^
        self.below = below

    def run(mut self):
        var primes = 0
        for n in range(self.below):
            primes += Int(is_prime(n))
        try:
            self.exchange.answer(ok(String(primes, " primes below ", self.below, "\n")))
        except error:
            print("later: nobody waits any more:", error)


def get_primes(mut exchange: Exchange) raises:
    var below = number(exchange.request.param_bytes("below"), 1_000_000)
    if not below:
        exchange.answer(bad_request("not a number from 0 to 1000000\n"))
        return
    # It lives until it is destroyed with its job, whatever becomes of the handler and the client. When no thread is left that is now,
    # without an answer, which answers 500.
    spawn(Job(exchange.keep(), below.value())).detach()


def main() raises:
    var router = Router()
    router.get("/primes/:below", get_primes)
    run(router)
