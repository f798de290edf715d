"""Finds libflare.so and loads it, once for each process."""

from std.ffi import OwnedDLHandle, _Global
from std.memory.alloc import unsafe_alloc
from std.os import getenv
from std.os.path import dirname, exists
from std.reflection import source_location
from std.sys import size_of

from .api import ABI_VERSION, NAMES, Address, Api

comptime ApiPointer = Pointer[Api, MutUntrackedOrigin]
"""The functions of the library, which stay loaded as long as the process lives."""

comptime LIBRARY = "libflare.so"
comptime VARIABLE = "FLARE_LIBRARY"


struct Library(Movable, Deinitable):
    """The library, or why there is none."""

    var api: Optional[ApiPointer]
    var problem: String

    def __init__(out self):
        self.api = None
        self.problem = String()
        try:
            self.api = load(find())
        except error:
            self.problem = String(error)


def _find_and_load() -> Library:
    return Library()


comptime _LIBRARY = _Global["flare_library", _find_and_load]


def api() raises -> ApiPointer:
    """The functions of the library, which is loaded by the first call.

    Raises:
        When there is no library, or none of this version.
    """
    ref library = _LIBRARY.get_or_create_ptr()[]
    if not library.api:
        raise Error(library.problem)
    return library.api.value()


def find() -> String:
    """The path of the library: what the variable says, what lies beside this package, or the name for the system to find."""
    var named = getenv(VARIABLE)
    if named:
        return named
    # Where the package was when the program was compiled: flare/, with the library in it or beside it.
    var package = dirname(String(source_location().file_name()))
    for folder in [package, dirname(package)]:
        var path = folder + "/" + LIBRARY
        if exists(path):
            return path
    return LIBRARY


def load(path: String) raises -> ApiPointer:
    """Loads a library and finds its functions. It is never unloaded, because its threads may still run.

    Raises:
        When it is not there, is no library, has no such function, or speaks another version of the ABI.
    """
    var library: OwnedDLHandle
    try:
        library = OwnedDLHandle(path)
    except error:
        raise Error(
            "flare: ", LIBRARY, " was not found: ", error, ". Set ", VARIABLE,
            " to its path, put it beside the package, or install it where the system looks"
        )
    comptime assert size_of[Api]() == len(NAMES) * size_of[Address]()
    var table = unsafe_alloc[Api](1)
    var places = table.unsafe_bitcast[Address]()
    var i = 0
    for name in materialize[NAMES]():
        var symbol = library.borrow().get_symbol[NoneType](name)
        if not symbol:
            raise Error("flare: ", path, " has no ", name, ": it is older than this package")
        places[unsafe_offset=i] = symbol
        i += 1
    var version = table[].abi_version()
    if version != ABI_VERSION:
        raise Error("flare: ", path, " has version ", version, " of the ABI, this package wants ", ABI_VERSION)
    return table
