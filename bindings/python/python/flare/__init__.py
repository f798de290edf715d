"""flare: an HTTP server, and a client.

from flare import App

app = App()

@app.get("/hi/:name")
def hi(request):
    return f"hi, {request.params['name']}\\n"

app.run("127.0.0.1", 8080)
"""

from ._async_client import AsyncClient, AsyncClientStream
from ._datagrams import Datagrams
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
from ._websocket import WebSocket, WebSocketClosed
from ._websocket_client import BlockingWebSocket, ClientWebSocket, WebSocketOpener, WebSocketRefused, websocket
from .app import App
from .client import Client, ClientError, ClientResponse, ClientStream, ConnectError, ConnectTimeout, RequestFailed, ServerSession
from .server import HostServer
from .serving import Serving
from .settings import Settings
from .tls import ClientTls, Tls

__version__ = VERSION

__all__ = [
    "App",
    "AsyncClient",
    "AsyncClientStream",
    "BlockingWebSocket",
    "Client",
    "ClientError",
    "ClientResponse",
    "ClientStream",
    "ClientTls",
    "ClientWebSocket",
    "ConnectError",
    "ConnectTimeout",
    "Datagrams",
    "Disconnected",
    "Exchange",
    "Headers",
    "HostServer",
    "MutableHeaders",
    "QueryParams",
    "Queue",
    "Report",
    "Request",
    "RequestFailed",
    "Response",
    "ServerSession",
    "Serving",
    "Settings",
    "Tls",
    "TlsSession",
    "WebSocket",
    "WebSocketClosed",
    "WebSocketOpener",
    "WebSocketRefused",
    "__version__",
    "websocket",
]
