"""flare: an HTTP server.

from flare import App

app = App()

@app.get("/hi/:name")
def hi(request):
    return f"hi, {request.params['name']}\\n"

app.run("127.0.0.1", 8080)
"""

from ._flare import (
    VERSION,
    Disconnected,
    Exchange,
    Headers,
    MutableHeaders,
    Queue,
    Report,
    Request,
    Response,
    TlsSession,
)
from ._query import QueryParams
from .app import App
from .server import HostServer
from .serving import Serving
from .settings import Settings
from .tls import Tls
from .websocket import WebSocket, WebSocketClosed

__version__ = VERSION

__all__ = [
    "App",
    "Disconnected",
    "Exchange",
    "Headers",
    "HostServer",
    "MutableHeaders",
    "QueryParams",
    "Queue",
    "Report",
    "Request",
    "Response",
    "Serving",
    "Settings",
    "Tls",
    "TlsSession",
    "WebSocket",
    "WebSocketClosed",
    "__version__",
]
