"""A server in a loop of epoll: one descriptor stands for all it does, deadlines included. No thread is made for it."""

from std.ffi import c_int, external_call

from flare import Request, Response, Router, Server, ok
from support.run import address

comptime EPOLL_CLOEXEC = c_int(0o2000000)
comptime EPOLL_CTL_ADD = c_int(1)
comptime EPOLLIN = UInt32(1)


def get_hello(request: Request) -> Response:
    return ok("Hello from the loop!\n")


def post_length(request: Request) -> Response:
    return ok(String(len(request.body()), " bytes\n"))


def loop(mut server: Server) raises:
    var watch = external_call["epoll_create1", c_int](EPOLL_CLOEXEC)
    # A struct epoll_event: the events, then what names the descriptor.
    var event = List[UInt32](length=4, fill=0)
    event[0] = EPOLLIN
    if watch < 0 or external_call["epoll_ctl", c_int](watch, EPOLL_CTL_ADD, c_int(server.fd()), event.unsafe_ptr()) != 0:
        raise Error("no epoll")
    while not server.has_drained():
        # A signal may interrupt it, which is no error.
        _ = external_call["epoll_wait", c_int](watch, event.unsafe_ptr(), c_int(1), c_int(-1))
        # It does a bounded piece of work. If more is left, the descriptor stays readable.
        _ = server.poll()
    _ = external_call["close", c_int](watch)
    _ = event^


def main() raises:
    var router = Router()
    router.get("/", get_hello)
    router.post("/", post_length)
    var server = Server(router)
    server.listen(address())
    server.host_start()
    server.drain_on_signals()
    print("listening on", server.address(), flush=True)
    loop(server)
