"""Many streams of bytes on one connection, for programs on one machine: sidecars. Calls wait, so they belong into threads."""

from ._flare import Mux, MuxClosed, MuxListener, MuxStream

__all__ = ["Mux", "MuxClosed", "MuxListener", "MuxStream"]
