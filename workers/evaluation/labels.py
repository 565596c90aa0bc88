"""Which frames of which clip are anomalous, from a labels file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchwatch.errors import RejectedError

_SHAPE = '{"testing": {"CLIP": [[FIRST, LAST], ...]}} with frame numbers from 1, both inclusive'


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Frames ``first`` to ``last``, counted from 1, both inclusive."""

    first: int
    last: int


@dataclass(frozen=True)
class Labels:
    """Anomalous ranges per clip, named as the clip's file without its ending. A normal clip has none."""

    path: Path
    clips: Mapping[str, tuple[FrameRange, ...]]

    def truth(self, clip: str, frames: int) -> NDArray[np.bool_]:
        """bool (frames,): which are anomalous. Raises `RejectedError` when a range goes beyond the clip's end."""
        anomalous = np.zeros(frames, np.bool_)
        for found in self.clips[clip]:
            if found.last > frames:
                raise RejectedError(
                    f"{self.path}: clip {clip!r} is labelled up to frame {found.last} but has {frames} frames: "
                    "are these labels of another recording?"
                )
            anomalous[found.first - 1 : found.last] = True
        return anomalous


def load_labels(path: Path) -> Labels:
    """Read a labels file. Raises `RejectedError` when it is missing or malformed."""
    try:
        tree = json.loads(path.read_text())
    except OSError as error:
        raise RejectedError(f"labels file {path}: {error.strerror}; name it with --labels") from None
    except ValueError as error:
        raise RejectedError(f"labels file {path} is not JSON: {error}") from None
    try:
        clips = {str(clip): tuple(_range(pair) for pair in pairs) for clip, pairs in tree["testing"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RejectedError(f"labels file {path}: {error!r}; it must look like {_SHAPE}") from None
    return Labels(path, clips)


def _range(pair: Any) -> FrameRange:
    first, last = pair
    if type(first) is not int or type(last) is not int or not 1 <= first <= last:
        raise ValueError(f"{pair} is no range of frames")
    return FrameRange(first, last)
