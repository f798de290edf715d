"""What the library is that was found."""

from .errors import static_text
from .library import api
from .text import terminated


def version() raises -> String:
    """The version of the library, such as "0.1.0".

    Raises:
        When there is no library.
    """
    return String(static_text(api()[].version()))


def has_feature(var name: String) raises -> Bool:
    """Whether the library was built with a feature: "http1", "tls", "http3".

    Raises:
        When there is no library.
    """
    var found = api()[].has_feature(terminated(name, "the name"))
    _ = name^
    return found == 1
