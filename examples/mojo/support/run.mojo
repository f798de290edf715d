"""What the examples do around their routes: listen on the address that is their first argument, serve until SIGTERM or Ctrl-C."""

from std.sys import argv

from flare import Router, Server


def run(router: Router) raises:
    """Serves the routes of a router."""
    var server = Server(router)
    server.listen(address())
    server.start()
    server.drain_on_signals()
    print("listening on", server.address(), flush=True)
    server.wait()


def address() -> String:
    """The address that is the first argument."""
    return String(argv()[1]) if len(argv()) > 1 else "127.0.0.1:8080"
