"""The state of a camera that every commit stores in Redis, and from which a restarted worker resumes it."""

from __future__ import annotations

import logging
from collections import Counter, deque
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from patchwatch.bus.clock import BusClock
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.bounds import Count, TimeMs, counted
from patchwatch.messages.alert import Alert
from patchwatch.messages.camera import Camera
from patchwatch.messages.clock_eras import Eras
from patchwatch.messages.frame_gaps import FrameGaps
from patchwatch.messages.score import ScoreMinute
from workers.analysis.camera_time import CameraTime, TimedFrame
from workers.inference.camera_bank import UNREADABLE
from workers.inference.camera_state import CameraState

_CONDITIONS: TypeAdapter[dict[str, Any] | None] = TypeAdapter(dict[str, Any] | None)
_Score = Annotated[float, Field(ge=0, le=1)]

log = logging.getLogger(__name__)


class StoredState(BaseModel):
    """See `state_to_store`. Checked when it is read: a defect here would fail every commit that follows.

    ``minute``: start, count, sum and peak of its scores.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    analyzer: dict[str, Any] | None
    last_score_ms: TimeMs
    minute: tuple[TimeMs, Annotated[int, Field(gt=0, lt=2**32)], Annotated[float, Field(ge=0)], _Score] | None
    alert: Alert | None
    told_peak: _Score
    recent: list[tuple[Count, Count]]
    time: tuple[Count, Count, int] | None = None  # of the last frame: own, captured, media; unknown to earlier versions
    conditions: dict[str, Any] | None = None  # earlier versions stored it here
    cuts: dict[str, Any] | None = None  # unknown to earlier versions, as is what follows
    cut_frames: list[Count] = []

    def with_conditions(self, stored: bytes | None) -> StoredState:
        """The conditions have a field of their own in Redis. Raises pydantic's `ValidationError`, a `ValueError`."""
        return self if stored is None else self.model_copy(update={"conditions": _CONDITIONS.validate_json(stored)})


def state_to_store(state: CameraState) -> dict[str, Any]:
    """JSON values that every commit stores; `resume` reads them."""
    minute, last_frame = state.minute, state.camera_time.last
    return {
        "analyzer": state.bank.scorer_state(),
        "last_score_ms": state.last_score_ms,
        "minute": [minute.minute_ms, minute.count, minute.total, minute.peak] if minute else None,
        "alert": state.anomaly.open.model_dump(mode="json") if state.anomaly.open else None,
        "told_peak": state.anomaly.announced_peak,
        "recent": list(state.recent),
        "time": list(last_frame[:3]) if last_frame else None,
        "conditions": state.conditions.state(),
        "cuts": state.cuts.state(),
        "cut_frames": sorted(state.cut_frames),
    }


def resume(
    camera: Camera,
    keys: CameraKeys,
    lease: bytes,
    stored: dict[bytes, bytes],
    counters: dict[bytes, bytes],
    last_score_ms: int = 0,
    clock: BusClock | None = None,
) -> CameraState:
    """Go on from what the last commit left in Redis; from nothing for a new camera.

    ``last_score_ms``: the id of the camera's last score in Redis, which the next one has to follow. Of a state that
    another version wrote, the readable parts are restored.
    """
    state = CameraState(camera, keys, lease, clock or BusClock())
    state.camera_time = CameraTime(Eras.from_record(stored.get(b"eras")))
    state.counters = Counter({name.decode(errors="replace"): counted(value) for name, value in counters.items()})
    if b"seq" in stored:
        state.position = counted(stored[b"seq"])
        state.gaps = FrameGaps.decode(stored.get(b"books")) or FrameGaps()
    if b"worker" in stored:
        try:
            worker = StoredState.model_validate_json(stored[b"worker"])
            _restore(state, worker.with_conditions(stored.get(b"conditions")))
        except UNREADABLE as error:
            log.warning("%s: smoothing starts afresh, its stored state is unreadable (%r)", camera.id, error)
    state.last_score_ms = max(state.last_score_ms, last_score_ms)
    return state


def _restore(state: CameraState, stored: StoredState) -> None:
    state.anomaly.open, state.anomaly.announced_peak = stored.alert, stored.told_peak
    state.last_score_ms = stored.last_score_ms
    state.minute = ScoreMinute(*stored.minute) if stored.minute else None
    state.recent = deque(stored.recent)
    if stored.time is not None:
        state.camera_time.last = TimedFrame(*stored.time, received_ns=None)
    state.bank.stored_scorer = stored.analyzer
    if stored.conditions is not None:
        state.conditions.restore(stored.conditions)
    state.cut_frames = set(stored.cut_frames)
    if stored.cuts is not None:
        _restore_cuts(state, stored.cuts)


def _restore_cuts(state: CameraState, stored: dict[str, Any]) -> None:
    try:
        state.cuts.restore(stored)
    except UNREADABLE as error:
        log.warning("%s: cuts are judged afresh, the stored picture is unreadable (%r)", state.camera.id, error)
