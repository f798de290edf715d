"""What the examples do around their routes."""

import sys

from flare import App, HostServer, Report


def address() -> str:
    """The first argument of the program."""
    return sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8080"


def tell(server: HostServer) -> None:
    """Says where a server listens."""
    for bound in server.addresses:
        print(f"listening on {bound}", flush=True)


def run(app: App) -> Report:
    """Serves the app on the address that is the first argument of the program, until SIGTERM or Ctrl-C."""
    return app.run(address(), started=tell)
