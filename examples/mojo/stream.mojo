"""Content that is made while the client takes it, in two ways: a source that is pulled, and writes that go on when there is room."""

from flare import Driver, Event, EventKind, Exchange, Flow, Piece, Request, Response, Router, Source
from support.run import run

comptime PIECE = 1000
comptime PIECES = 4000
comptime TEXT = "text/plain; charset=utf-8"


@fieldwise_init
struct Countdown(Source):
    """A source: flare asks for more when the client has taken what came before."""

    var next: Int

    def pull(mut self, mut piece: Piece) raises:
        if self.next == 0:
            piece.end()
            return
        piece.write(self.next, "\n")
        self.next -= 1


def get_countdown(request: Request) raises -> Response:
    return Response.source(Countdown(10)).with_header("content-type", TEXT)


struct Letters(Driver):
    """Writes: each is taken whole or refused, and then WRITABLE says when to go on."""

    var written: Int

    def __init__(out self):
        self.written = 0

    def write(mut self, mut exchange: Exchange) raises:
        while self.written < PIECES:
            var piece = List[UInt8](length=PIECE, fill=UInt8(ord("a") + self.written % 26))
            if not exchange.write(piece):
                return
            self.written += 1
        exchange.finish()

    def on_event(mut self, mut exchange: Exchange, event: Event) raises -> Flow:
        if event.kind == EventKind.WRITABLE:
            self.write(exchange)
        return Flow.CONTINUE


def get_letters(mut exchange: Exchange) raises:
    exchange.add_header("content-type", TEXT)
    var letters = Letters()
    letters.write(exchange)
    exchange.drive(letters^)


def main() raises:
    var router = Router()
    router.get("/countdown", get_countdown)
    router.get("/letters", get_letters)
    run(router)
