"""A server as the first flare, which was written in Mojo, had it: bound first, then given its routes."""

from .router import Router
from .server import Server
from .server_config import ServerConfig


@fieldwise_init
struct SocketAddr(Copyable, Writable):
    """Where to listen."""

    var text: String
    """Such as "127.0.0.1:8080" or "unix:/run/app.sock"."""

    @staticmethod
    def localhost(port: Int) -> SocketAddr:
        """A port of this machine alone; 0 is any free one."""
        return SocketAddr(String("127.0.0.1:", port))

    def write_to(self, mut writer: Some[Writer]):
        writer.write(self.text)


struct HttpServer(Movable):
    """An address that waits for its routes. `Server` can do more."""

    var _address: SocketAddr

    def __init__(out self, var address: SocketAddr):
        self._address = address^

    @staticmethod
    def bind(var address: SocketAddr) -> HttpServer:
        """Takes an address. It is bound by `serve`, so that is what raises when it is taken."""
        return HttpServer(address^)

    def serve(self, var router: Router, *, num_workers: Int = 0) raises:
        """Serves until the process gets SIGINT or SIGTERM; then it drains.

        Args:
            router: The routes.
            num_workers: Threads that serve; 0 for one for each core.

        Raises:
            When the address is none, or can't be bound.
        """
        var server = Server(router, ServerConfig(workers=num_workers))
        server.listen(self._address.text)
        server.start()
        server.drain_on_signals()
        server.wait()
