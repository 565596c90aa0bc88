"""Labels as our own JSON: anomalous frame ranges per clip, which may say where the anomaly is.

A range is ``[FIRST, LAST]``, or ``{"frames": [FIRST, LAST], "box": BOX}`` where it stays in one place, or
``{"frames": [FIRST, LAST], "boxes": [BOX or null for each frame]}`` where it moves; each range is one track. A box is
``[x1, y1, x2, y2]`` in fractions of the picture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.labels import FrameRange, Labels
from patchwatch.evaluation.statistics.region_criterion import Box, Region

_SHAPE = (
    '{"testing": {"CLIP": [[FIRST, LAST], ...]}} with frame numbers from 1, both inclusive; a range may be '
    '{"frames": [FIRST, LAST], "box": [x1, y1, x2, y2]} with fractions of the picture, or have "boxes", one a frame'
)


def read(path: Path, clips: Sequence[str]) -> Labels:
    """Raises `RejectedError` when the file is missing or malformed. ``clips`` is not needed: the file names its own."""
    try:
        tree = json.loads(path.read_text())
    except OSError as error:
        raise RejectedError(f"labels file {path}: {error.strerror}; name it with --labels") from None
    except ValueError as error:
        raise RejectedError(f"labels file {path} is not JSON: {error}") from None
    try:
        labelled = {str(clip): [_labelled(entry) for entry in entries] for clip, entries in tree["testing"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RejectedError(f"labels file {path}: {error!r}; it must look like {_SHAPE}") from None
    return Labels(
        path,
        {clip: tuple(frames for frames, _ in entries) for clip, entries in labelled.items()},
        regions={clip: _regions(entries) for clip, entries in labelled.items() if all(boxes for _, boxes in entries)},
    )


_Boxes = list[Box | None]  # of each frame of a range; empty where the label says nothing of places


def _labelled(entry: Any) -> tuple[FrameRange, _Boxes]:
    if not isinstance(entry, dict):
        return _range(entry), []
    if not {"frames"} <= entry.keys() <= {"frames", "box", "boxes"} or {"box", "boxes"} <= entry.keys():
        raise ValueError(f"{entry} needs frames, and box or boxes")
    frames = _range(entry["frames"])
    length = frames.last - frames.first + 1
    if "box" in entry:
        return frames, [_box(entry["box"])] * length
    boxes = [None if box is None else _box(box) for box in entry.get("boxes", ())]
    if boxes and (len(boxes) != length or not any(boxes)):
        raise ValueError(f"{len(boxes)} boxes for the frames {frames.first} to {frames.last}")
    return frames, boxes


def _box(values: Any) -> Box:
    x1, y1, x2, y2 = (float(value) for value in values)
    if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
        raise ValueError(f"{values} is no box in fractions of the picture")
    return (x1, y1, x2, y2)


def _regions(entries: Sequence[tuple[FrameRange, _Boxes]]) -> tuple[Region, ...]:
    return tuple(
        Region(number, box, track)
        for track, (frames, boxes) in enumerate(entries, start=1)
        for number, box in enumerate(boxes, start=frames.first)
        if box is not None
    )


def _range(pair: Any) -> FrameRange:
    first, last = pair
    if type(first) is not int or type(last) is not int or not 1 <= first <= last:
        raise ValueError(f"{pair} is no range of frames")
    return FrameRange(first, last)
