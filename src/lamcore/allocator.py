"""The C library's memory allocator, set for models that allocate the same large arrays again and again."""

from __future__ import annotations

import ctypes
import sys

# From malloc.h of the GNU C library.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4
_NEVER_TRIM = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for its next use instead of giving it back to the system.

    The GNU C library gives every large array back when it is freed, and the system clears each page anew when the next
    batch asks for it. A network on a CPU can spend more time on that than on arithmetic: SevenNet-0 on 8 crystals of 64
    atoms took 2.7 times as long. The price is that the process stays as large as it ever was.

    For processes that lamcore owns: its command line and its workers.

    Returns:
        Whether it was done; other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, _NEVER_TRIM))
