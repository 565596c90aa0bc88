"""What an evaluation found."""

from __future__ import annotations

import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import patchwatch


@dataclass(frozen=True)
class Protocol:
    """Areas under the ROC curve of one way to score; None where only one class was there."""

    micro_auroc: float | None
    macro_auroc: float | None


@dataclass(frozen=True)
class ClipReport:
    """One testing clip. ``frames`` and ``anomalous`` count the recording's own frames."""

    name: str
    frames: int
    anomalous: int
    analysed: int
    service: float | None
    unsmoothed: float | None


@dataclass(frozen=True)
class Report:
    """Result of `workers.evaluation.evaluation.evaluate`.

    Protocols: ``service`` is the score the live service gives (calibrated on the training clips alone, smoothed
    causally, started anew for each clip); ``unsmoothed`` is the same without smoothing.
    """

    profile: str
    fps: float
    random_weights: bool
    training_clips: int
    training_frames: int
    threshold_on: float
    service: Protocol
    unsmoothed: Protocol
    clips: tuple[ClipReport, ...]

    @property
    def frames(self) -> int:
        """Labelled frames scored."""
        return sum(clip.frames for clip in self.clips)

    def as_json(self) -> dict[str, Any]:
        """JSON values; keys stay as they are within a version."""
        return {
            "profile": self.profile,
            "fps": self.fps,
            "protocols": {"service": asdict(self.service), "unsmoothed": asdict(self.unsmoothed)},
            "clips": len(self.clips),
            "frames": self.frames,
            "training": {"clips": self.training_clips, "frames": self.training_frames},
            "threshold_on": self.threshold_on,
            "per_clip": [asdict(clip) for clip in self.clips],
            "random_weights": self.random_weights,
            "version": patchwatch.__version__,
            "commit": commit(),
        }


def commit() -> str | None:
    """Commit of this checkout, with ``+`` when files differ from it; None where the program is installed without."""
    where = Path(__file__).parents[2]
    if not (where / ".git").exists():
        return None
    command = ["git", "-C", str(where), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
