"""The demand for workers: what the cameras of now take, over what a worker can do.

A camera takes what it was measured to take when it was last captured and analysed, at the rate that it is configured
for: neither a rate that was lowered under load nor a worker that died makes the demand smaller.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from patchwatch.bus.keys import partition_of
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.heartbeat import Heartbeat

_BUSIEST = 0.9  # load of the busiest worker, since shares of whole partitions differ
_AT_REST = (CaptureState.FAILED, CaptureState.ENDED, CaptureState.DISABLED)


@dataclass(frozen=True)
class CameraWork:
    """A camera with what the workers said of it last."""

    camera: Camera
    capture: CaptureStatus | None
    analysis: AnalysisStatus | None

    @property
    def wanted(self) -> bool:
        """Whether it should be captured and analysed: one that is offline for now may come back at any moment."""
        return self.camera.enabled and (self.capture is None or self.capture.state not in _AT_REST)

    def wanted_fps(self, by_default: float) -> float:
        """Frames per second that should be analysed. ``by_default``: where neither the camera nor ingest says it."""
        configured = self.capture.configured_fps if self.capture else None
        return self.camera.analysis_fps or configured or by_default

    def inference_load(self, by_default: float) -> float | None:
        """Share of an inference worker that it takes; None where that was never measured."""
        status = self.analysis
        if status is None or status.frame_load is None or status.profile != self.camera.profile:
            return None
        return status.frame_load * self.wanted_fps(by_default) + (status.camera_load or 0.0)


@dataclass(frozen=True)
class RoleDemand:
    """How many workers of a role are wanted.

    ``load``: what all cameras take, in workers that are always busy. ``workers``: how many to run, ``limit`` at most.
    ``full``: whether as many as can share the work are not enough. ``unmeasured``: cameras of which it is assumed that
    they take what the others do.
    """

    role: Role
    load: float
    workers: int
    limit: int
    full: bool
    alive: int
    cameras: int
    unmeasured: int


def demands(works: Iterable[CameraWork], heartbeats: Sequence[Heartbeat], settings: Settings) -> list[RoleDemand]:
    """The demand for ingest and inference workers."""
    wanted = [work for work in works if work.wanted]
    return [_ingest(wanted, heartbeats, settings), _inference(wanted, heartbeats, settings)]


def _ingest(works: Sequence[CameraWork], heartbeats: Sequence[Heartbeat], settings: Settings) -> RoleDemand:
    known = {work.camera.id: work.capture.load for work in works if work.capture and work.capture.load is not None}
    loads = _completed(works, known, {})
    total, limit = math.fsum(loads.values()), len(works)
    needed = math.ceil(min(total / settings.target_load, limit + 1))
    return _demand(Role.INGEST, total, needed, limit, heartbeats, loads, len(works) - len(known))


def _inference(works: Sequence[CameraWork], heartbeats: Sequence[Heartbeat], settings: Settings) -> RoleDemand:
    measured = {work.camera.id: work.inference_load(settings.analysis_fps) for work in works}
    known = {camera_id: load for camera_id, load in measured.items() if load is not None}
    loads = _completed(works, known, {work.camera.id: work.camera.profile for work in works})
    partitions: dict[int, float] = defaultdict(float)
    for camera_id, load in loads.items():
        partitions[partition_of(camera_id, settings.partitions)] += load
    total, limit = math.fsum(loads.values()), len(partitions)
    needed = math.ceil(min(total / settings.target_load, limit + 1))
    heaviest = max(partitions.values(), default=0.0)
    if 0 < needed <= limit:
        needed = _enough(sorted(partitions.values(), reverse=True), needed)
    demand = _demand(Role.INFERENCE, total, needed, limit, heartbeats, loads, len(works) - len(known))
    return replace(demand, full=demand.full or heaviest > _BUSIEST)


def _demand(
    role: Role, total: float, needed: int, limit: int, heartbeats: Sequence[Heartbeat],
    loads: Mapping[str, float], unmeasured: int,
) -> RoleDemand:  # fmt: skip
    """Cameras want one worker at least: without any, nothing would ever be measured."""
    return RoleDemand(
        role=role,
        load=round(total, 4),
        workers=min(max(1, needed), limit),
        limit=limit,
        full=needed > limit,
        alive=sum(beat.role == role.value for beat in heartbeats),
        cameras=len(loads),
        unmeasured=unmeasured,
    )


def _completed(works: Sequence[CameraWork], known: Mapping[str, float], kinds: Mapping[str, str]) -> dict[str, float]:
    """The load of each camera; where it is not known, the mean of those of its kind, or else of all."""
    of_kind: dict[str | None, list[float]] = defaultdict(list)
    for camera_id, load in known.items():
        of_kind[kinds.get(camera_id)].append(load)
    means = {kind: fmean(loads) for kind, loads in of_kind.items()}
    mean = fmean(known.values()) if known else 0.0
    ids = [work.camera.id for work in works]
    return {name: known.get(name, means.get(kinds.get(name), mean)) for name in ids}


def _enough(partitions: Sequence[float], least: int) -> int:
    """The smallest number of workers, from ``least`` on, of whom none has too much, or more than the heaviest partition
    alone, as partitions are not divided. ``partitions``: the loads, the heaviest first."""
    most = max(_BUSIEST, partitions[0])
    low, high = least, len(partitions)  # with as many workers as partitions, each has one
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _busiest(partitions, middle) <= most else (middle + 1, high)
    return low


def _busiest(partitions: Sequence[float], workers: int) -> float:
    """The largest share when each partition in turn goes to the worker who has least."""
    shares = [0.0] * workers
    for load in partitions:
        heapq.heapreplace(shares, shares[0] + load)
    return max(shares)
