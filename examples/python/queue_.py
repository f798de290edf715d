"""Requests that are pulled by threads of the program, instead of handlers that are called. The route tells which it was."""

import threading

from flare import App, Queue, Response
from support import run

app = App()
queue = Queue()
app.queue("/upper", queue, ["POST"])
app.queue("/lower", queue, ["POST"])


def pull() -> None:
    # Ends when the queue is closed and empty.
    for exchange in queue:
        body = exchange.request.body
        text = body.upper() if exchange.route == "POST /upper" else body.lower()
        exchange.respond(Response(text, content_type="text/plain; charset=utf-8"))


if __name__ == "__main__":
    threads = [threading.Thread(target=pull) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        run(app)
    finally:
        queue.close()
    for thread in threads:
        thread.join()
