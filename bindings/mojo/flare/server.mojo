"""Serving routes."""

from .api import ERROR_WOULD_BLOCK, WEBSOCKET_BINARY, WEBSOCKET_TEXT, Handle
from .errors import check, check_handle
from .hooks import AccessLog, Log, LogLevel, Task, access_of, log_of, task_of
from .boxed import boxed, unbox
from .library import ApiPointer, api
from .router import Router
from .server_config import ServerConfig
from .signals import release_signals
from .text import bytes_of, place, room, terminated
from .tls import Tls


def serve(var router: Router, var address: String) raises:
    """Serves routes on one address with default settings, until the process gets SIGINT or SIGTERM; then it drains.

    Raises:
        When the address is none, or can't be bound.
    """
    release_signals()
    var status = router._api[].serve(router._handle, terminated(address, "the address"))
    _ = address^
    check(router._api, status)


struct Server(Movable):
    """Routes, settings and addresses, then workers. Any thread may use it.

    Mojo destroys a value after its last use, and a server that is destroyed ends at once: a program that starts one calls `wait` on it, or
    uses it otherwise, where it has to end.
    """

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, router: Router) raises:
        """Makes a server of the routes that a router has now, with default settings.

        Raises:
            When there is no memory.
        """
        self._api = router._api
        self._handle = check_handle(self._api, self._api[].server_new(router._handle, 0))

    def __init__(out self, router: Router, config: ServerConfig) raises:
        """The same, with settings.

        Raises:
            When a setting is wrong, or does not go with the others.
        """
        self._api = router._api
        self._handle = check_handle(self._api, self._api[].server_new(router._handle, config._handle))

    def __deinit__(deinit self):
        _ = self._api[].server_free(self._handle)

    # ---- Before the start.

    def listen(mut self, var address: String) raises:
        """Adds an address: "127.0.0.1:8080", "[::1]:0", "localhost:8080", "unix:/run/app.sock". Port 0 is any free one.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT when the text is no address, FLARE_ERROR_INVALID_STATE after the start.
        """
        var status = self._api[].server_listen(self._handle, terminated(address, "the address"))
        _ = address^
        check(self._api, status)

    def listen_tls(mut self, var address: String, tls: Tls) raises:
        """Adds an address that is served over TLS. All files are read and checked.

        Raises:
            As `listen`, and FLARE_ERROR_INVALID_ARGUMENT with the file and block that is wrong. The server is as it was then.
        """
        var status = self._api[].server_listen_tls(self._handle, terminated(address, "the address"), tls._handle)
        _ = address^
        check(self._api, status)

    def set_log[L: Log](mut self, level: LogLevel, var log: L) raises:
        """Sends events of this level, and of those that matter more, to a log. Without one, errors and warnings go to standard error."""
        var user = boxed(self._api, log^)
        check(self._api, self._api[].server_set_log(self._handle, level._code, log_of[L], user, unbox[L]))

    def set_access_log[L: AccessLog](mut self, var log: L) raises:
        """Tells a log of each exchange that ended."""
        var user = boxed(self._api, log^)
        check(self._api, self._api[].server_set_access_log(self._handle, access_of[L], user, unbox[L]))

    def on_worker_start[T: Task](mut self, var task: T) raises:
        """Runs a task on each worker before it accepts its first connection."""
        var user = boxed(self._api, task^)
        check(self._api, self._api[].server_on_worker_start(self._handle, task_of[T], user, unbox[T]))

    def on_worker_stop[T: Task](mut self, var task: T) raises:
        """Runs a task on each worker after its last connection closed."""
        var user = boxed(self._api, task^)
        check(self._api, self._api[].server_on_worker_stop(self._handle, task_of[T], user, unbox[T]))

    # ---- Threads of the server's own.

    def start(mut self) raises:
        """Binds the addresses and runs the workers on threads of their own. Returns at once.

        Raises:
            FLARE_ERROR_ADDRESS_IN_USE, _PERMISSION, _NOT_FOUND or _IO when an address can't be bound, FLARE_ERROR_INVALID_STATE when it has
            none or was started before.
        """
        check(self._api, self._api[].server_start(self._handle))

    def wait(mut self) raises:
        """Waits until the server has ended: somebody drained it, or a signal came after `drain_on_signals`.

        Raises:
            FLARE_ERROR_INVALID_STATE when it was not started, another thread waits, or this is a worker.
        """
        check(self._api, self._api[].server_wait(self._handle))

    def run(mut self) raises:
        """`start` and `wait`."""
        check(self._api, self._api[].server_run(self._handle))

    def drain(mut self, timeout_ms: Int) raises:
        """Begins to end the server: no more connections are accepted, idle ones close, running exchanges get this long (0 cuts them).
        Returns at once; `wait` returns when it is done. A second call can only shorten the time."""
        check(self._api, self._api[].server_drain(self._handle, UInt64(timeout_ms)))

    def drain_on_signals(mut self) raises:
        """Drains the server when the process gets SIGINT or SIGTERM, with the setting drain_timeout_ms; a second signal cuts what still
        runs. To be called after the start.

        Mojo's runtime ends the process at these signals; it loses them for good.
        """
        release_signals()
        check(self._api, self._api[].server_drain_on_signals(self._handle))

    # ---- The caller's loop.

    def host_start(mut self) raises:
        """Binds the addresses and leaves the loop to the caller, instead of `start`: no thread is made, and the server works inside `poll`
        only."""
        check(self._api, self._api[].server_host_start(self._handle))

    def fd(self) raises -> Int:
        """The descriptor that becomes readable when `poll` has something to do. Only to be watched."""
        var fd = self._api[].server_fd(self._handle)
        check(self._api, fd)
        return Int(fd)

    def poll(mut self, budget: Int = 0) raises -> Bool:
        """Works off what there is to do, and never blocks. The server belongs to the first thread that polls it.

        Args:
            budget: The most pieces of work; 0 for 256.

        Returns:
            Whether more is to do at once; the descriptor is readable then.

        Raises:
            FLARE_ERROR_INVALID_STATE before `host_start`, on another thread, or inside a callback.
        """
        var more = self._api[].server_poll(self._handle, Int32(budget))
        check(self._api, more)
        return more > 0

    def has_drained(self) raises -> Bool:
        """Whether the server has ended."""
        var drained = self._api[].server_drained(self._handle)
        check(self._api, drained)
        return drained > 0

    # ---- At any time after the start.

    def address(self, index: Int = 0) raises -> String:
        """An address that the server listens on, with the port that was found for port 0. A name such as "localhost" may stand for
        several.

        Raises:
            When there are fewer, or the server does not run.
        """
        var buffer = List[UInt8](length=256, fill=0)
        var length = Int(self._api[].server_address(self._handle, UInt(index), room(buffer), UInt(len(buffer))))
        if length == 0:
            raise Error("FLARE_ERROR_NOT_FOUND: the server has no such address")
        return String(from_utf8_lossy=Span(buffer)[: min(length, len(buffer) - 1)])

    def stat(self, var name: String) raises -> Int:
        """A number that the server counts, such as "requests" and "open", and after the end "drain_finished" and "drain_aborted";
        docs/c-api/server.md lists them.

        Raises:
            FLARE_ERROR_NOT_FOUND for an unknown name, FLARE_ERROR_INVALID_STATE before the start.
        """
        var number = self._api[].server_stat(self._handle, terminated(name, "the name"))
        _ = name^
        check(self._api, Int32(min(number, 0)))
        return Int(number)

    def workers(self) raises -> Int:
        """The number of workers of a server that was started."""
        var workers = self._api[].server_workers(self._handle)
        check(self._api, workers)
        return Int(workers)

    def reload_tls(self) raises:
        """Reads the files of all TLS addresses again: new connections get what is in them now, those that are there go on. Waits for the
        disk.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT when a file is wrong; everything stays as it was. FLARE_ERROR_INVALID_STATE before the start.
        """
        check(self._api, self._api[].server_reload_tls(self._handle))

    def replace_tls(self, index: Int, tls: Tls) raises:
        """Gives the TLS address that was added as number `index`, from 0, other settings.

        Raises:
            As `reload_tls`, and when there is no such address.
        """
        check(self._api, self._api[].server_replace_tls(self._handle, UInt(index), tls._handle))

    def publish(self, var topic: String, text: StringSpan) raises -> Bool:
        """Sends a text to all WebSockets of a topic. False: too much waits for the workers already, and it is not sent.

        Raises:
            FLARE_ERROR_INVALID_STATE before the start, FLARE_ERROR_CLOSED behind the end.
        """
        return self._publish(topic^, WEBSOCKET_TEXT, text.as_bytes())

    def publish(self, var topic: String, data: Span[UInt8, _]) raises -> Bool:
        """The same, with bytes."""
        return self._publish(topic^, WEBSOCKET_BINARY, data)

    def _publish(self, var topic: String, kind: Int, data: Span[UInt8, _]) raises -> Bool:
        var status = self._api[].server_publish(
            self._handle, terminated(topic, "the topic"), Int32(kind), bytes_of(data), UInt(len(data))
        )
        _ = topic^
        if status == ERROR_WOULD_BLOCK:
            return False
        check(self._api, status)
        return True

    def post[T: Task](self, worker: Int, var task: T, *, delay_ms: Int = 0) raises:
        """Runs a task on a worker, after the events that came before.

        Raises:
            FLARE_ERROR_NOT_FOUND when there is no such worker, or it has ended. The task is destroyed then.
        """
        var user = boxed(self._api, task^)
        check(
            self._api,
            self._api[].server_post(self._handle, UInt32(worker), UInt64(delay_ms), task_of[T], user, unbox[T]),
        )
