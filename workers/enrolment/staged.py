"""Banks that are being written. What a process left that was killed goes; what one still writes never does."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from workers.runtime.worker_id import has_ended, new_worker_id

_SUFFIX = ".staged"
_FORGOTTEN_S = 86_400.0  # unchanged for so long, by a clock that nobody sets: left on another machine
_MOST = 1000

_seen: dict[Path, tuple[int, float]] = {}  # of other machines: when it was changed, and since when that is known here


def new_staged(folder: Path) -> Path:
    """A path of our own in the folder; whoever looks there can tell whether its process lives."""
    return folder / f"{new_worker_id()}{_SUFFIX}"


def sweep(folder: Path) -> None:
    """Remove what is left over. By no wall clock: one that is set forward makes nothing old."""
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
