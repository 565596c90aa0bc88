"""Labels as UCSD Ped1 and Ped2 have them: a MATLAB script with one line of frame ranges a clip.

``TestVideoFile{end+1}.gt_frame = [60:152, 170:180];``: frames from 1, both ends inclusive (Mahadevan et al., CVPR
2010).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.labels import FrameRange, Labels

_LINE = re.compile(r"TestVideoFile\{[^{}]*\}\.gt_frame\s*=\s*\[([^\[\]]*)\]")
_PART = re.compile(r"(\d+)(?::(\d+))?")


def read(path: Path, clips: Sequence[str]) -> Labels:
    """One line for each of the testing clips, in their order. Raises `RejectedError`."""
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise RejectedError(f"labels file {path}: {error.strerror}; name it with --labels") from None
    lines = _LINE.findall("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("%")))
    if not lines:
        raise RejectedError(f"labels file {path} holds no line like TestVideoFile{{end+1}}.gt_frame = [60:152];")
    if len(lines) != len(clips):
        raise RejectedError(
            f"labels file {path} labels {len(lines)} clips, the testing folder holds {len(clips)}: its lines stand for "
            "all clips in order, so keep all of them, or label those you have as JSON"
        )
    return Labels(
        path, {clip: tuple(_ranges(line, path)) for clip, line in zip(clips, lines, strict=True)}, "ucsd"
    )  # fmt: skip


def _ranges(line: str, path: Path) -> list[FrameRange]:
    ranges = []
    for part in line.replace(",", " ").split():
        match = _PART.fullmatch(part)
        if match is None or not 1 <= int(match[1]) <= int(match[2] or match[1]):
            raise RejectedError(f"labels file {path}: {part!r} is no range of frames like 60:152")
        ranges.append(FrameRange(int(match[1]), int(match[2] or match[1])))
    return ranges
