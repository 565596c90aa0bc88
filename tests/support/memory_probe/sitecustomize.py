"""Put on PYTHONPATH, this makes a Python process write down what memory it has in use, from its start to its end.

In use is what was allocated and not freed: glibc's count of bytes, and CPython's count of small blocks. Unlike resident
memory it does not depend on which pages an allocator keeps, or has touched for the first time. Before some samples
garbage is collected, so that the least of a minute is what is held. With it go freed tuples, of which CPython keeps up
to 2,000 of each size: redis-py's commands fill these lists within a thousand transactions.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import sys
import threading
import time

_EVERY_S = 2.0
_COLLECTED_EVERY = 15  # samples
_BLOCK_BYTES = 64  # about the mean of CPython's small blocks, which are of 16 to 512 bytes
_FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"


class _MallocInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS.split()]


def _write(folder: str) -> None:
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = _MallocInfo
    with open(os.path.join(folder, str(os.getpid())), "w", buffering=1) as file:
        for number in itertools.count(1):
            if number % _COLLECTED_EVERY == 0:
                gc.collect()
            info = library.mallinfo2()
            in_use = info.uordblks + info.hblkhd + _BLOCK_BYTES * sys.getallocatedblocks()
            file.write(f"{time.monotonic():.1f} {in_use}\n")
            time.sleep(_EVERY_S)


if "PYTHON_MEMORY_PROBE" in os.environ:
    threading.Thread(target=_write, args=(os.environ["PYTHON_MEMORY_PROBE"],), name="memory-probe", daemon=True).start()
