"""Content that is used while it comes: it is counted, and nothing of it is kept."""

from flare import Driver, Event, EventKind, Exchange, Flow, RouteOptions, Router, ok
from support.run import run


struct Upload(Driver):
    var bytes: Int
    var lines: Int

    def __init__(out self):
        self.bytes = 0
        self.lines = 0

    def on_event(mut self, mut exchange: Exchange, event: Event) raises -> Flow:
        self.bytes += len(event.data())
        for byte in event.data():
            self.lines += Int(byte == UInt8(ord("\n")))
        if event.kind == EventKind.END:
            exchange.answer(ok(String(self.bytes, " bytes, ", self.lines, " lines\n")))
        return Flow.CONTINUE


def post_upload(mut exchange: Exchange) raises:
    # Called at the head of the request, before any content is read: here it could still be refused.
    exchange.drive(Upload())


def main() raises:
    var router = Router()
    router.post("/upload", post_upload, RouteOptions(streaming=True, body_limit=1 << 40))
    run(router)
