"""Settings of a server."""

from .api import Handle
from .errors import check, check_handle
from .library import ApiPointer, api
from .text import terminated


struct ServerConfig(Movable):
    """Settings of a server, with safe defaults. docs/c-api/config.md lists them. A server keeps a copy."""

    var _api: ApiPointer
    var _handle: Handle

    def __init__(out self, *, workers: Int = 0) raises:
        """Makes settings.

        Args:
            workers: Threads that serve; 0 for one for each core.

        Raises:
            When the library is missing, or the number is out of range.
        """
        self._api = api()
        self._handle = check_handle(self._api, self._api[].config_new())
        if workers != 0:
            self.set("workers", workers)

    def __deinit__(deinit self):
        _ = self._api[].config_free(self._handle)

    def set(mut self, var name: String, value: Int) raises:
        """Sets a number, a size in bytes, a time in milliseconds or a switch (0 or 1) by its name.

        Raises:
            FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it.
        """
        var status = self._api[].config_set_number(self._handle, terminated(name, "the name"), Int64(value))
        _ = name^
        check(self._api, status)

    def set(mut self, var name: String, var value: String) raises:
        """Sets a text by its name."""
        var status = self._api[].config_set_text(
            self._handle, terminated(name, "the name"), terminated(value, "the value")
        )
        _ = name^
        _ = value^
        check(self._api, status)
