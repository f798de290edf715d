"""An answer from another thread: slow work must not block the loop, so the handler returns a future."""

from concurrent.futures import Future, ThreadPoolExecutor

from flare import App, Request
from support import run

app = App()
pool = ThreadPoolExecutor()


def count_primes(below: int) -> str:
    sieve = bytearray([1]) * below
    sieve[:2] = bytes(min(below, 2))
    for i in range(2, int(below**0.5) + 1):
        if sieve[i]:
            sieve[i * i :: i] = bytes(len(range(i * i, below, i)))
    return f"{sum(sieve)} primes below {below}\n"


@app.get("/primes/:below")
def get_primes(request: Request) -> Future[str] | tuple[str, int]:
    text = request.params["below"]
    if not (text.isascii() and text.isdigit() and int(text[:8]) <= 1_000_000 and len(text) < 8):
        return "not a number from 0 to 1000000\n", 400
    # The request is answered when the future is done, whatever becomes of the client.
    return pool.submit(count_primes, int(text))


if __name__ == "__main__":
    run(app)
