"""Middleware that comes with flare: `app.middleware(RequestId())`, or `middleware=[RequestId()]` at a route.

It runs on the worker and never comes to Python. It is around all middleware in Python, sees a request before its content is read, and what
it refuses is never read.
"""

from ._flare import AccessLog, BearerAuth, Forwarded, Layer, RateLimit, RequestId

__all__ = ["AccessLog", "BearerAuth", "Forwarded", "Layer", "RateLimit", "RequestId"]
