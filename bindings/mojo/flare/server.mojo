"""Serving routes."""

from .errors import check
from .router import Router
from .signals import release_signals
from .text import terminated


def serve(var router: Router, var address: String) raises:
    """Serves routes on one address with default settings, until the process gets SIGINT or SIGTERM; then it drains.

    Raises:
        When the address is none, or can't be bound.
    """
    release_signals()
    var status = router._api[].serve(router._handle, terminated(address, "the address"))
    _ = address^
    check(router._api, status)
