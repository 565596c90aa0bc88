"""Which files of the data folder are shared, and in which order they may appear elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TREES = ("banks", "memory")
_CAMERA = r"[a-z0-9][a-z0-9_-]{0,62}"
_PROFILE = r"[a-z0-9][a-z0-9_-]{0,30}"
_KINDS = (  # an earlier kind is there before a later one refers to it
    (re.compile(rf"memory/{_CAMERA}/{_PROFILE}/\d{{13,16}}-[0-9a-f]{{16}}\.stretch"), True),
    (re.compile(rf"banks/{_CAMERA}/{_PROFILE}/[0-9a-f]{{12}}\.safetensors"), True),
    (re.compile(rf"memory/{_CAMERA}/{_PROFILE}/corrections/[0-9a-f]{{16}}\.addition"), False),
    (re.compile(rf"banks/{_CAMERA}/{_PROFILE}/versions(\.copy)?\.json"), False),
    (re.compile(rf"banks/{_CAMERA}/{_PROFILE}\.safetensors"), False),
)
INDEXES = ("versions.json", "versions.copy.json")


def rank_of(path: str) -> int | None:
    """The place of its kind in the order; None for what is not shared."""
    return next((rank for rank, (pattern, _) in enumerate(_KINDS) if pattern.fullmatch(path)), None)


def never_changes(path: str) -> bool:
    """Whether a file of this name always has the same content: its name says what is in it."""
    rank = rank_of(path)
    return rank is not None and _KINDS[rank][1]


def local_files(data_dir: Path) -> Iterator[tuple[str, str]]:
    """Names of the shared files in the data folder, and what tells whether each has changed. Links are none."""
    for tree in TREES:
        for path in (data_dir / tree).rglob("*"):
            name = path.relative_to(data_dir).as_posix()
            if rank_of(name) is not None and (version := version_of(path)) is not None:
                yield name, version


def version_of(path: Path) -> str | None:
    """Differs once a file has changed; None where there is none."""
    with suppress(OSError):
        if not path.is_symlink() and path.is_file():
            status = path.stat()
            return f"{status.st_mtime_ns}-{status.st_size}"
    return None
