"""One request, its answer, and whether anybody still waits for it."""

from .api import Handle
from .errors import check, failure
from .library import ApiPointer
from .request import Request
from .response import Response


struct Exchange(Movable):
    """A request with the right to answer it.

    A handler borrows it for the call; `keep` gives one that may be answered later, from any thread. When the last that was kept is
    destroyed without an answer, the client gets 500.
    """

    var request: Request
    var _api: ApiPointer
    var _handle: Handle
    var _owned: Bool

    def __init__(out self, *, borrowed: Handle, var request: Request, api: ApiPointer):
        self.request = request^
        self._api = api
        self._handle = borrowed
        self._owned = False

    def __deinit__(deinit self):
        if self._owned:
            _ = self._api[].response_release(self._handle)

    def keep(self) raises -> Exchange:
        """The same exchange, to be answered after the handler has returned.

        Raises:
            When it is over, or 65,535 hold it.
        """
        check(self._api, self._api[].response_retain(self._handle))
        var kept = Exchange(
            borrowed=self._handle, request=Request(borrowed=self.request._handle, api=self._api), api=self._api
        )
        kept._owned = True
        return kept^

    def answer(mut self, var response: Response) raises:
        """Answers.

        Raises:
            FLARE_ERROR_FINISHED when it was answered before; FLARE_ERROR_CLOSED, _TIMEOUT or _CANCELLED when nobody waits for the
            answer; FLARE_ERROR_INVALID_ARGUMENT for a field or status that can't be sent. Then it can still be answered.
        """
        check(self._api, response._send(self._api, self._handle))
