"""What the scoring thread's time goes into: how much a frame of each profile takes, and a camera beside its frames."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from workers.inference.camera_state import CameraState
from workers.inference.queue_reader import QueuedFrame

_REMEMBER_S = 60.0  # time constant in which what was measured makes room for what is measured
_LEAST_S = 5.0  # measured for a shorter time, a share of it says little


class _Mean:
    """Seconds of the thread's time per unit, over about the last minute in which it was measured."""

    def __init__(self) -> None:
        self._seconds = self.units = 0.0
        self._added_s = time.monotonic()

    def add(self, seconds: float, units: float) -> None:
        now_s = time.monotonic()
        kept = math.exp((self._added_s - now_s) / _REMEMBER_S) if self.units else 0.0
        self._seconds, self.units = kept * self._seconds + seconds, kept * self.units + units
        self._added_s = now_s

    @property
    def value(self) -> float | None:
        return self._seconds / self.units if self.units > 0 else None


class FrameCosts:
    """Measures what the demand for workers is computed from. One thread.

    A profile's first turn does not count: it sets up libraries, which says nothing about the next.
    """

    def __init__(self) -> None:
        self._frames: dict[tuple[str, bool], _Mean] = {}  # by profile, and whether they were scored (or else learnt)
        self._beside = _Mean()  # per camera and second
        self._busy_s = 0.0
        self._load = _Mean()  # per second that passed
        self._upkeep_at_s = time.monotonic()

    def record_turn(self, frames: Sequence[QueuedFrame], seconds: float, *, learns: bool) -> None:
        """Scoring and committing these frames of one engine took so long. ``learns``: whether frames of cameras without
        a bank were analysed, for which there is not always time."""
        self._busy_s += seconds
        analysed = sum(frame.message is not None and not frame.late for frame in frames)
        if not analysed:
            return
        bank, profile = frames[0].state.bank, frames[0].state.camera.profile
        scored = bank.scorer is not None
        if not scored and (bank.learner is None or not learns):
            return
        mean = self._frames.get((profile, scored))
        if mean is None:
            self._frames[profile, scored] = _Mean()
        else:
            mean.add(seconds, analysed)

    def record_upkeep(self, cameras: int, seconds: float) -> None:
        """What is done about once a second for all cameras of this worker took so long."""
        now_s = time.monotonic()
        passed_s, self._upkeep_at_s = now_s - self._upkeep_at_s, now_s
        self._beside.add(seconds, cameras * passed_s)
        self._load.add(self._busy_s + seconds, passed_s)
        self._busy_s = 0.0

    @property
    def load(self) -> float | None:
        """Share of the thread's time that is used; None while that is not known yet."""
        return self._load.value if self._load.units >= _LEAST_S else None

    def loads_of(self, state: CameraState) -> dict[str, float]:
        """The fields of `AnalysisStatus` that say what a camera takes; those are left out that are not known."""
        known = (self._frames.get((state.camera.profile, scored)) for scored in (True, False))
        frame_load = next((mean.value for mean in known if mean and mean.value is not None), None)
        loads = {"frame_load": frame_load, "camera_load": self._beside.value}
        return {name: float(f"{value:.3g}") for name, value in loads.items() if value is not None}
