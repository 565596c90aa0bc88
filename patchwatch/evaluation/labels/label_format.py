"""The formats labels come in, and which one a path is of."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels import avenue, json_file, shanghaitech, ucsd
from patchwatch.evaluation.labels.labels import Labels


class LabelFormat(StrEnum):
    """``json``: our own; ``ucsd``: a ``.m`` file; ``avenue``: ``.mat`` files; ``shanghaitech``: ``.npy`` files."""

    JSON = "json"
    UCSD = "ucsd"
    AVENUE = "avenue"
    SHANGHAITECH = "shanghaitech"


_ENDINGS = {
    ".json": LabelFormat.JSON,
    ".m": LabelFormat.UCSD,
    ".mat": LabelFormat.AVENUE,
    ".npy": LabelFormat.SHANGHAITECH,
}

_READERS = {
    LabelFormat.JSON: json_file.read,
    LabelFormat.UCSD: ucsd.read,
    LabelFormat.AVENUE: avenue.read,
    LabelFormat.SHANGHAITECH: shanghaitech.read,
}


def detect(path: Path) -> LabelFormat:
    """By the ending of a file or of the files of a folder. Raises `RejectedError` where that does not tell."""
    if not path.is_dir():
        if not path.exists():
            raise RejectedError(f"labels file {path}: No such file or directory; name it with --labels")
        if path.suffix.lower() not in _ENDINGS:
            raise RejectedError(f"labels file {path}: its ending tells no format; say which with --label-format")
        return _ENDINGS[path.suffix.lower()]
    formats = {_ENDINGS[file.suffix.lower()] for file in path.iterdir() if file.suffix.lower() in (".mat", ".npy")}
    if len(formats) != 1:
        said = "files of several formats" if formats else "neither .mat nor .npy files"
        raise RejectedError(f"labels folder {path} holds {said}: name a folder or file of labels with --labels")
    return formats.pop()


def read_labels(path: Path, clips: Sequence[str], form: LabelFormat | None = None) -> Labels:
    """Labels of the clips so named, in natural order. ``form`` None: detected. Raises `RejectedError`."""
    return _READERS[form or detect(path)](path, clips)
