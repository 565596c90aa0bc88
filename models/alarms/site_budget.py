"""The false alarms a day that a site accepts, shared among its cameras: calm ones lend to lively ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEAST, MOST = 0.25, 4.0  # of the equal share: no camera gets less or more, whatever the others do
STEP_A_DAY = 0.2  # of the equal share: by how much a camera's part changes within a day, at most
MOST_EXCESS = 10.0  # times as often as its level says: what alerts more often still needs another bank
FOR_THE_OTHERS = 0.1  # of the site's budget that cameras' own budgets cannot take from the others
_PRIOR_ALERTS = 2.0  # a camera counts as an average one until it has been watched for about so many alarms of its share
_EVEN = 1.0


@dataclass(frozen=True)
class CameraRecord:
    """What is known of one camera.

    ``alerts``: those of ``watched_days`` that nobody confirmed, the provisional left out; ``expected``: how many its
    levels stood for in that time. ``own_per_day``: its own budget, which it keeps. ``part`` and ``excess`` as last
    allotted; ``part`` is None for a camera that is new.
    """

    camera_id: str
    watched_days: float = 0.0
    alerts: int = 0
    expected: float = 0.0
    own_per_day: float | None = None
    part: float | None = None
    excess: float = 1.0


@dataclass(frozen=True)
class Allotment:
    """What a camera may spend. ``share_per_day`` is the same for all that have no budget of their own; ``part`` is how
    much of it this one has. ``excess``: how many times as often as its level says it alerts; 1 if not more often."""

    share_per_day: float
    part: float
    excess: float = 1.0

    @property
    def per_day(self) -> float:
        return self.share_per_day * self.part

    @property
    def level_per_day(self) -> float:
        """The budget that its level is to stand for, so that what it spends is what it may spend."""
        return self.per_day / self.excess


def to_share(per_day: float, cameras: Sequence[CameraRecord]) -> float:
    """What the cameras without a budget of their own share: what the others leave, and at least a tenth."""
    own = sum(camera.own_per_day or 0.0 for camera in cameras)
    return max(per_day - own, FOR_THE_OTHERS * per_day)


def allot(per_day: float, cameras: Sequence[CameraRecord], elapsed_days: float) -> dict[str, Allotment]:
    """The allotment of each camera without a budget of its own, by its id; they sum up to `to_share`.

    Each goes towards its part of what all cameras spend, as far as is known, but in ``elapsed_days`` no farther than
    `STEP_A_DAY` allows. The way is the same fraction for all, so the sum is kept, and so are the bounds. A camera that
    alerts more often than its level says, borrowed or not, gets a higher level: else the more a noisy one borrows, the
    more the site would spend. Raises ValueError unless the budget is positive and the time is not negative.
    """
    if not per_day > 0 or not elapsed_days >= 0:
        raise ValueError(f"a budget of {per_day} a day, {elapsed_days} days after the last")
    sharing = [camera for camera in cameras if camera.own_per_day is None]
    if not sharing:
        return {}
    share = to_share(per_day, cameras) / len(sharing)
    before = _within({camera.camera_id: camera.part or _EVEN for camera in sharing})
    wanted = _within({camera.camera_id: liveliness(camera, share) for camera in sharing})
    farthest = max(abs(wanted[name] - before[name]) for name in before)
    way = min(1.0, STEP_A_DAY * elapsed_days / farthest) if farthest > 0 else 0.0
    excess = {camera.camera_id: _next_excess(camera, elapsed_days) for camera in sharing}
    return {name: Allotment(share, part + way * (wanted[name] - part), excess[name]) for name, part in before.items()}


def liveliness(camera: CameraRecord, share_per_day: float) -> float:
    """How many unconfirmed alerts a day the camera has, in parts of the equal share, within the bounds.

    The mean of the Gamma distribution that the count leaves of one about the share: a camera that was hardly watched is
    an average one.
    """
    expected = share_per_day * camera.watched_days
    return min(MOST, max(LEAST, (camera.alerts + _PRIOR_ALERTS) / (expected + _PRIOR_ALERTS)))


def excess_of(camera: CameraRecord) -> float:
    """How many times as often as its levels said the camera alerted, as far as is known; 1 if not more often."""
    return min(MOST_EXCESS, max(1.0, (camera.alerts + _PRIOR_ALERTS) / (camera.expected + _PRIOR_ALERTS)))


def _next_excess(camera: CameraRecord, elapsed_days: float) -> float:
    most = math.pow(1.0 + STEP_A_DAY, elapsed_days)
    before = min(MOST_EXCESS, max(1.0, camera.excess))
    return min(before * most, max(before / most, excess_of(camera)))


def _within(parts: Mapping[str, float]) -> dict[str, float]:
    """The parts in proportion, so that their mean is 1, and drawn towards 1 until all are within the bounds."""
    mean = sum(parts.values()) / len(parts)
    scaled = {name: part / mean for name, part in parts.items()}
    low, high = min(scaled.values()), max(scaled.values())
    drawn = 1.0
    if low < LEAST:
        drawn = (_EVEN - LEAST) / (_EVEN - low)
    if high > MOST:
        drawn = min(drawn, (MOST - _EVEN) / (high - _EVEN))
    return {name: _EVEN + drawn * (part - _EVEN) for name, part in scaled.items()}
