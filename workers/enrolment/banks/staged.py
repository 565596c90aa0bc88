"""Files of banks that are being written. Those of a process that has ended are deleted, others never."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from workers.runtime.worker_id import has_ended, new_worker_id

_SUFFIX = ".staged"
_FORGOTTEN_S = 86_400.0  # a file of another machine that has not changed for so long is a leftover
_MOST = 1000

# For files of other machines: the time of their last change, and the monotonic time at which we first saw it.
_seen: dict[Path, tuple[int, float]] = {}


def new_staged(folder: Path) -> Path:
    """A path of our own in the folder, whose name tells other processes whether ours still lives."""
    return folder / f"{new_worker_id()}{_SUFFIX}"


def sweep(folder: Path) -> None:
    """Delete leftovers. No wall clock is involved, because one that is set forward would make every file old."""
    for path in folder.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if has_ended(path.name.removesuffix(_SUFFIX)) or _is_forgotten(path):
                path.unlink()
                _seen.pop(path, None)


def _is_forgotten(path: Path) -> bool:
    changed_ns, now_s = path.stat().st_mtime_ns, time.monotonic()
    known_ns, since_s = _seen.get(path, (None, now_s))
    if known_ns == changed_ns:
        return now_s - since_s > _FORGOTTEN_S
    while len(_seen) >= _MOST:
        _seen.pop(next(iter(_seen)))
    _seen[path] = changed_ns, now_s
    return False
