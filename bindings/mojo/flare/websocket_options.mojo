"""What a route of WebSockets decides for itself."""

from .api import Handle
from .errors import check, check_handle
from .handler import AnyHandler
from .library import ApiPointer, api
from .text import terminated


struct WebSocketOptions(Movable):
    """What a route of WebSockets decides for itself. Routes keep a copy. docs/c-api/websocket.md lists the settings."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(
        out self,
        *,
        message_limit: Optional[Int] = None,
        deflate: Bool = False,
        var protocols: String = String(),
        var origins: String = String(),
    ) raises:
        """Makes options.

        Args:
            message_limit: The most bytes of a message; more ends the socket with 1009. 1 MiB by default.
            deflate: Whether compressed messages are allowed (RFC 7692).
            protocols: Subprotocols that are spoken here, with commas between them.
            origins: The web pages that may open a socket, with commas between them; "same" for those of the host that the request names,
                which is the default; "*" for all.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for what does not fit.
        """
        self._api = api()
        self._handle = check_handle(self._api, self._api[].websocket_options_new())
        if message_limit:
            self.set("message_limit", message_limit.value())
        if deflate:
            self.set("deflate", 1)
        if protocols:
            self.set("protocols", protocols^)
        if origins:
            self.set("origins", origins^)

    def __deinit__(deinit self):
        _ = self._api[].websocket_options_free(self._handle)

    def set(mut self, var name: String, value: Int) raises:
        """Sets a number, a time in milliseconds or a switch (0 or 1) by its name."""
        var status = self._api[].websocket_options_set_number(self._handle, terminated(name, "the name"), Int64(value))
        _ = name^
        check(self._api, status)

    def set(mut self, var name: String, var value: String) raises:
        """Sets a text by its name."""
        var status = self._api[].websocket_options_set_text(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)

    def otherwise(mut self, var handler: AnyHandler) raises:
        """Sets who answers a GET that does not ask for a WebSocket, instead of 426."""
        var status = self._api[].websocket_options_set_otherwise(
            self._handle, handler._call, handler.release(), handler._destroy
        )
        check(self._api, status)
