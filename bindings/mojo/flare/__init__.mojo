"""flare: a networking stack, over libflare.so."""

from .errors import has_status
from .exchange import Exchange
from .fields import Field, Fields
from .handler import ExchangeHandler, Handler
from .request import Request
from .response import Response, bad_request, not_found, ok, ok_json, redirect
from .router import Router
from .server import serve
from .source import Piece, Source
