"""Threads of the system, which Mojo's library does not have."""

from std.ffi import c_int, external_call
from std.memory.alloc import unsafe_alloc

comptime _Address = Optional[Pointer[NoneType, MutUntrackedOrigin]]


trait Work(Movable, Deinitable):
    """What a thread does. It belongs to the thread, which destroys it."""

    def run(mut self):
        ...


@fieldwise_init
struct Thread(ImplicitlyCopyable):
    """A thread that runs."""

    var _id: UInt

    def join(self):
        """Waits for its end."""
        _ = external_call["pthread_join", c_int](self._id, _Address())

    def detach(self):
        """Nobody will wait for its end."""
        _ = external_call["pthread_detach", c_int](self._id)


def spawn[W: Work](var work: W) raises -> Thread:
    """Starts a thread.

    Raises:
        When the system has none left.
    """
    var place = unsafe_alloc[W](1)
    place.unsafe_write(work^)
    var id = UInt(0)
    var failed = external_call["pthread_create", c_int](
        Pointer(to=id), _Address(), _entry[W], place.unsafe_bitcast[NoneType]()
    )
    if failed != 0:
        place.unsafe_deinit_pointee()
        place.unsafe_free()
        raise Error("no thread is left")
    return Thread(id)


def _entry[W: Work](user: _Address) abi("C") -> _Address:
    var place = user.value().unsafe_bitcast[W]()
    place[].run()
    place.unsafe_deinit_pointee()
    place.unsafe_free()
    return None
