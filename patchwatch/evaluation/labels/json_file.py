"""Labels as our own JSON: anomalous frame ranges per clip."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.labels import FrameRange, Labels

_SHAPE = '{"testing": {"CLIP": [[FIRST, LAST], ...]}} with frame numbers from 1, both inclusive'


def read(path: Path, clips: Sequence[str]) -> Labels:
    """Raises `RejectedError` when the file is missing or malformed. ``clips`` is not needed: the file names its own."""
    try:
        tree = json.loads(path.read_text())
    except OSError as error:
        raise RejectedError(f"labels file {path}: {error.strerror}; name it with --labels") from None
    except ValueError as error:
        raise RejectedError(f"labels file {path} is not JSON: {error}") from None
    try:
        ranges = {str(clip): tuple(_range(pair) for pair in pairs) for clip, pairs in tree["testing"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RejectedError(f"labels file {path}: {error!r}; it must look like {_SHAPE}") from None
    return Labels(path, ranges)


def _range(pair: Any) -> FrameRange:
    first, last = pair
    if type(first) is not int or type(last) is not int or not 1 <= first <= last:
        raise ValueError(f"{pair} is no range of frames")
    return FrameRange(first, last)
