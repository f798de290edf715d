"""Both ways at once: the content goes back while it comes. When the client takes none of it, no more of the request is read."""

from flare import Driver, Event, EventKind, Exchange, Flow, RouteOptions, Router
from support.run import run


struct Echo(Driver):
    # The piece that the client had no room for.
    var refused: List[UInt8]

    def __init__(out self):
        self.refused = List[UInt8]()

    def on_event(mut self, mut exchange: Exchange, event: Event) raises -> Flow:
        if event.kind == EventKind.DATA:
            if not exchange.write(event.data()):
                # The data is only valid during the call.
                self.refused = List[UInt8](event.data())
                return Flow.PAUSE
        elif event.kind == EventKind.WRITABLE:
            if len(self.refused) > 0 and exchange.write(self.refused):
                self.refused.clear()
                exchange.resume()
        elif event.kind == EventKind.END:
            exchange.finish()
        return Flow.CONTINUE


def post_echo(mut exchange: Exchange) raises:
    exchange.add_header("content-type", "application/octet-stream")
    # The head leaves now, before any content has come.
    exchange.start()
    exchange.drive(Echo())


def main() raises:
    var router = Router()
    router.post("/echo", post_echo, RouteOptions(streaming=True))
    run(router)
