"""Requests that are pulled by threads of the program, instead of callbacks on flare's. The tag tells which route it was."""

from flare import Queue, QueueEvent, Response, Router
from support.run import run
from support.threads import Thread, Work, spawn

comptime THREADS = 2
comptime UPPER = 1
comptime LOWER = 2


def answer(mut event: QueueEvent) raises:
    var first = UInt8(ord("a") if event.tag == UPPER else ord("A"))
    var text = List[UInt8](event.exchange.request.body())
    for ref byte in text:
        if byte >= first and byte <= first + 25:
            byte ^= 0x20
    event.exchange.answer(Response.bytes(text^).with_header("content-type", "text/plain; charset=utf-8"))


@fieldwise_init
struct Puller(Work):
    var queue: Queue

    def run(mut self):
        try:
            # Ends when the queue is closed and empty.
            while True:
                var event = self.queue.next()
                if not event:
                    return
                # What was taken from the queue is ours; without an answer the client gets 500.
                answer(event.value())
        except error:
            print("queue: not answered:", error)


def main() raises:
    var queue = Queue()
    var router = Router()
    router.add_queue("POST", "/upper", queue, tag=UPPER)
    router.add_queue("POST", "/lower", queue, tag=LOWER)
    var threads = List[Thread]()
    for _ in range(THREADS):
        threads.append(spawn(Puller(queue.copy())))
    run(router)
    queue.close()
    for thread in threads:
        thread.join()
