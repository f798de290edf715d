"""Typed input: handlers whose fields are what they take from a request.

    @fieldwise_init
    struct GetUser(Defaultable, Handler):
        var id: PathInt["id"]

        def __init__(out self):
            self.id = PathInt["id"]()

        def serve(mut self, request: Request) raises -> Response:
            return ok(String("user ", self.id.value))

    router.get("/users/:id", Extracted[GetUser]())
"""

from std.reflection import reflect

from .handler import Handler
from .request import Request
from .response import Response, bad_request


trait Extractor(Copyable, Defaultable, Deinitable):
    """Something that is taken from a request."""

    def extract(mut self, request: Request) raises:
        """Takes it. What this raises is what the client gets to read, with 400."""
        ...


struct Extracted[H: Handler & Defaultable](Handler):
    """Makes the handler anew for each request, and fills those of its fields that are an `Extractor`. What can't be taken is answered with
    400, and the handler not called."""

    def __init__(out self):
        pass

    def serve(mut self, request: Request) raises -> Response:
        var handler = Self.H()
        comptime fields = reflect[Self.H]
        comptime for i in range(fields.field_count()):
            ref field = fields.field_ref[i](handler)
            comptime if conforms_to(type_of(field), Extractor):
                try:
                    field.extract(request)
                except problem:
                    return bad_request(String(problem, "\n"))
        return handler.serve(request)


struct PathInt[name: StaticString](Extractor):
    """A whole number from the path."""

    var value: Int

    def __init__(out self):
        self.value = 0

    def extract(mut self, request: Request) raises:
        self.value = _number(request.param(String(Self.name)), Self.name)


struct PathStr[name: StaticString](Extractor):
    """A text from the path, decoded."""

    var value: String

    def __init__(out self):
        self.value = String()

    def extract(mut self, request: Request) raises:
        self.value = request.param(String(Self.name))


struct HeaderStr[name: StaticString](Extractor):
    """The value of a header field."""

    var value: String

    def __init__(out self):
        self.value = String()

    def extract(mut self, request: Request) raises:
        var found = request.header(String(Self.name))
        if not found:
            raise Error("the field ", Self.name, " is missing")
        self.value = found.value()


def _number(text: String, name: StaticString) raises -> Int:
    try:
        return Int(text)
    except:
        raise Error(name, " is no whole number")
