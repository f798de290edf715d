"""Values that the library keeps for a callback: what its `void *user` points to."""

from std.memory.alloc import unsafe_alloc

from .api import Address
from .library import ApiPointer


struct Boxed[T: Movable & Deinitable](Movable):
    """A value and the functions it is used with."""

    var api: ApiPointer
    var value: Self.T

    def __init__(out self, api: ApiPointer, var value: Self.T):
        self.api = api
        self.value = value^


def boxed[T: Movable & Deinitable](api: ApiPointer, var value: T) -> Address:
    """Moves a value to where the library keeps it. Handed over together with `unbox[T]`, which the library calls exactly once, also
    when the call that takes it fails."""
    var place = unsafe_alloc[Boxed[T]](1)
    place.unsafe_write(Boxed(api, value^))
    return place.unsafe_bitcast[NoneType]()


def unbox[T: Movable & Deinitable](user: Address) abi("C"):
    """The destructor of what `boxed` made. On any thread."""
    var place = user.value().unsafe_bitcast[Boxed[T]]()
    place.unsafe_deinit_pointee()
    place.unsafe_free()


def behind[T: Movable & Deinitable](user: Address) -> ref[MutUntrackedOrigin] Boxed[T]:
    """What `boxed` made, in a callback."""
    return user.value().unsafe_bitcast[Boxed[T]]()[]
