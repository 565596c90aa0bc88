"""What the commands of Redis are made of: those of a frame, and those of a camera each second beside its frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

IDLE_PER_S = 141.0  # without any camera: leases, heartbeats, and looking for changes; counted on a running server


def command_counts(steps: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Of a frame, and of a camera in a second: least squares over all steps. A frame counts half when it is published
    and half when it is scored, as where it waits or is dropped these are not the same."""
    made = [[_frames_per_s(step), step["cameras"]] for step in steps]
    counted = [step["redis_commands_per_s"] - IDLE_PER_S for step in steps]
    a_frame, a_camera = np.linalg.lstsq(np.array(made, float), np.array(counted, float), rcond=None)[0]
    return float(a_frame), float(a_camera)


def _frames_per_s(step: Mapping[str, Any]) -> float:
    frames = step["frames_per_s"]
    return float(frames["published"] + frames["scored"]) / 2
