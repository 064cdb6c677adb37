"""Memory goes back to the system when it is not needed any more. Only the GNU C library can be told so."""

from __future__ import annotations

import ctypes
import gc

# mallopt(3): blocks of this size and above are mapped on their own, and gone when they are freed. Left to itself the
# library raises the limit to 32 MB, and the copies of a large object stay in the heap.
_M_MMAP_THRESHOLD, _LARGE = -3, 256 * 1024
# One heap for every few threads instead of one for each: connections come and go.
_M_ARENA_MAX, _ARENAS = -8, 2


def keep_small() -> None:
    """Call it before threads are started."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_ARENA_MAX, _ARENAS)


def settle() -> None:
    """What is loaded stays, so the collector need not look at it again; what loading left behind goes (80 MB)."""
    gc.collect()
    gc.freeze()
    gc.enable()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
