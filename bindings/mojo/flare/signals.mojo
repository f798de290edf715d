"""SIGINT and SIGTERM, which a server is to hear."""

from std.ffi import c_int, external_call

comptime SIGINT = c_int(2)
comptime SIGTERM = c_int(15)
comptime _RUNTIME = "libKGENCompilerRTShared"


def release_signals():
    """Takes the two signals away from Mojo's runtime.

    It catches them to remove its temporary files, and then ends the process: what is asked to end by a server would never drain. libflare
    leaves handlers that were there before in place, so they have to go first. Handlers of anybody else stay.
    """
    for signal in [SIGINT, SIGTERM]:
        if _is_of_runtime(_handler(signal)):
            # 0 is SIG_DFL.
            _ = external_call["signal", UInt](signal, UInt(0))


def _handler(signal: c_int) -> UInt:
    # A struct sigaction, which begins with the handler.
    var action = List[UInt](length=32, fill=0)
    if external_call["sigaction", c_int](signal, UInt(0), action.unsafe_ptr()) != 0:
        return 0
    return action[0]


def _is_of_runtime(handler: UInt) -> Bool:
    # A Dl_info, which begins with the path of the library.
    var found = List[UInt](length=8, fill=0)
    if handler == 0 or external_call["dladdr", c_int](handler, found.unsafe_ptr()) == 0 or found[0] == 0:
        return False
    return external_call["strstr", UInt](found[0], _RUNTIME.as_c_string_span().ptr()) != 0
