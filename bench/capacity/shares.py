"""What a figure of the steps is made of: a part that is always there, one of each camera, and one of each frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

FEW = 1000  # cameras: steps with more are what the fit is checked with
Step = Mapping[str, Any]


@dataclass(frozen=True)
class Shares:
    """Of one second: ``idle`` whatever there is, ``a_camera`` for each, ``a_frame`` for each frame."""

    idle: float
    a_camera: float
    a_frame: float

    def of(self, cameras: int, frames_per_s: float) -> float:
        return self.idle + cameras * self.a_camera + frames_per_s * self.a_frame


def shares(steps: Sequence[Step], value: Callable[[Step], float]) -> Shares:
    """Least squares over the steps with few cameras that kept up; none of the three is negative. Deviations count as
    shares of the value, so that small steps count as much as large ones."""
    fitted = few_that_kept_up(steps)
    values = np.array([value(step) for step in fitted])
    made = np.array([[1.0, step["cameras"], frames_per_s(step)] for step in fitted])
    return Shares(*map(float, nnls(made / values[:, None], np.ones(len(values)))[0]))


def few_that_kept_up(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if step["cameras"] < FEW and step["kept_up"]]


def commands(steps: Sequence[Step]) -> Shares:
    """Commands of Redis."""
    return shares(steps, lambda step: float(step["redis_commands_per_s"]))


def thread(steps: Sequence[Step]) -> Shares:
    """Seconds of Redis's thread."""
    return shares(steps, lambda step: float(step["redis_thread_load"]))


def inference(steps: Sequence[Step]) -> Shares:
    """Seconds of processors of all inference workers."""
    return shares(steps, lambda step: float(step["cores"]["inference"]))


def frames_per_s(step: Step) -> float:
    """A frame counts half when it is published and half when it is scored, as where it waits or is dropped these are
    not the same."""
    frames = step["frames_per_s"]
    return float(frames["published"] + frames.get("scored", 0.0)) / 2
