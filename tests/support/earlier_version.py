"""The program as it was released before, taken out of the repository's history."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import parts

RELEASE, COMMIT = "0.1.0", "9422272b555d"
_ROOMS = ("patchwatch", "models", "workers", "service")


def unpack_earlier_version(folder: Path) -> dict[str, str]:
    """The environment in which ``python -m patchwatch`` is that version; skips without its commit."""
    root = Path(__file__).parents[2]
    parts.need("history")
    packed = subprocess.run(["git", "archive", COMMIT, *_ROOMS], cwd=root, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return {"PYTHONPATH": str(folder)}
