"""A networking stack: flare, over libflare.so.

A `Router` has handlers by method and path. A `Server` is made of one, and calls a handler for each `Request`; it returns a `Response`, or
takes the `Exchange` to answer it later, from any thread, or bit by bit.
"""

from .client import Client, ClientEvent
from .client_request import ClientRequest
from .client_response import ClientResponse
from .client_tls import ClientTls
from .connection import Connection
from .connector import Connecting, Connector
from .errors import has_status
from .event import Event, EventKind, Flow
from .exchange import Driver, Exchange
from .extract import Extracted, Extractor, HeaderStr, PathInt, PathStr
from .fields import Field, Fields
from .handler import AnyHandler, ExchangeHandler, Handler
from .hooks import Access, AccessLog, Log, LogLevel, Task
from .http_server import HttpServer, SocketAddr
from .middleware import Head, Middleware, Record, Step
from .mux import Mux, MuxListener, MuxStream
from .queue import Queue, QueueEvent
from .request import Request
from .response import Response, bad_request, not_found, ok, ok_json, redirect
from .route_options import RouteOptions
from .router import Router
from .server import Server, serve
from .server_config import ServerConfig
from .source import Piece, Source
from .stock import Lines, StockMiddleware, Tokens, access_log, bearer_auth, forwarded, rate_limit, request_id
from .tls import Tls, TlsResolver
from .version import has_feature, version
from .websocket import AnySockets, Message, SocketHandler, Sockets, WebSocket
from .websocket_client import (
    WebSocketClient,
    WebSocketEvent,
    WebSocketEventKind,
    WebSocketOpener,
    WebSocketOpening,
)
from .websocket_options import WebSocketOptions
