"""A handler that blocks: its route says so, and it is called on a pool of threads instead of the loop."""

import time

from flare import App, Request
from support import run

app = App()


# Who waits longer gets 503.
@app.get("/sleep", blocking=True, timeout=10)
def get_sleep(request: Request) -> str:
    time.sleep(0.02)
    return "slept 20 ms\n"


if __name__ == "__main__":
    run(app)
