"""Commits the results and the state of one camera in one transaction, and resumes the state after a restart."""

from __future__ import annotations

import json
import logging
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, NamedTuple, Self, cast

import redis
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from models.frames.stored_numbers import LATEST_S, UNREADABLE
from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.writes import set_fields
from patchwatch.contract.bounds import Count, TimeMs, counted
from patchwatch.contract.errors import BusUnavailableError, RejectedError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.explanation import Explanation
from patchwatch.messages.alerts.verdict import ALERT_FIELD
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.cameras.camera import Camera, is_over, readable_zones
from patchwatch.messages.cameras.shadow import MAX_SHADOW_ENTRIES
from patchwatch.messages.cameras.zones.privacy_marks import covers, marks_of
from patchwatch.messages.cameras.zones.zone import ZoneKind, polygons
from patchwatch.messages.frames.camera_time import CameraTime, Eras, TimedFrame
from patchwatch.messages.frames.frame import FrameGaps
from patchwatch.messages.frames.score import Score, ScoreMinute
from workers.analysis.high_scores import KEPT_MS, MOST_KEPT
from workers.inference.camera_state import CameraState
from workers.runtime.alert_records import lifetime_s, queue_alert, queue_announcement

_EXAMINED = 50  # listed alerts of either order, each time that one is announced, for records that have expired
_CLIP_BEGINS_S = 5.0  # after an alert began, at the latest: it is told, and a worker looks twice a second
_CONDITIONS: TypeAdapter[dict[str, Any] | None] = TypeAdapter(dict[str, Any] | None)
_Score = Annotated[float, Field(ge=0, le=1)]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AlertUpdate:
    """A changed alert, and whether to announce it to subscribers. At its peak: that frame's JPEG and explanation."""

    alert: Alert
    announce: bool
    picture: bytes | None = None
    explanation: Explanation | None = None


@dataclass
class CommitBatch:
    """Results of one camera that wait to be committed. By its ``id`` one can ask afterwards whether it was."""

    scores: list[tuple[int, Score]] = field(default_factory=list)  # (entry id: the camera's own time in ms, score)
    high_scores: list[tuple[int, Score]] = field(default_factory=list)  # of them, and of those before, in order
    minutes: list[tuple[int, ScoreMinute]] = field(default_factory=list)  # (entry id: of its last score, minute)
    alerts: list[AlertUpdate] = field(default_factory=list)
    shadow_alerts: list[Alert] = field(default_factory=list)  # of a bank in the shadow: nobody is told of them
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def without_pictures(self) -> CommitBatch:
        """The same, with nothing of the alerts' pictures."""
        return replace(self, alerts=[replace(change, picture=None, explanation=None) for change in self.alerts])


class Publication(NamedTuple):
    """What is said of the analysis of a camera beside its scores."""

    state: CameraState
    status: AnalysisStatus
    explanation: Explanation | None


class Committer:
    """Writes batches so that a restart neither repeats nor loses a score.

    Scores, alerts, the camera's state and the trimming of its frames succeed or fail together, and only while this
    worker holds the lease.
    """

    def __init__(self, client: redis.Redis, settings: Settings, clock: BusClock | None = None) -> None:
        self._client = client
        self._clock = clock or BusClock()
        self._settings = settings
        # What was before an alert stays in the queue until a clip of it can have been begun.
        self._shown_s = settings.evidence_pre_roll_s + _CLIP_BEGINS_S if settings.evidence else 0.0

    def commit(self, state: CameraState, batch: CommitBatch) -> None:
        """Raises `LeaseLostError`, or `BusUnavailableError` when it is unknown whether it was applied: then call
        `applied` once Redis answers again, and `commit` again if it was not."""
        expired = self._expired_alerts() if any(change.announce for change in batch.alerts) else []
        if not any(change.picture for change in batch.alerts):
            self._under_lease(state, lambda pipe: self._queue_batch(pipe, state, batch, expired))
            return
        shown = [batch]  # a privacy zone may have been drawn since the frames were taken

        def look(pipe: redis.client.Pipeline) -> bool:
            pipe.watch(keys.CAMERAS)  # type: ignore[no-untyped-call]
            record = cast("bytes | None", pipe.hget(keys.CAMERAS, state.camera.id))
            shown[0] = batch if _may_be_seen(state, record) else batch.without_pictures()
            return True

        self._under_lease(state, lambda pipe: self._queue_batch(pipe, state, shown[0], expired), look)

    def publish_statuses(self, publications: Sequence[Publication]) -> None:
        """Publish statuses of cameras of one partition, and why they last scored as they did. Raises as `commit`."""

        def queue(pipe: redis.client.Pipeline) -> None:
            for state, status, explanation in publications:
                pipe.set(state.keys.analysis, status.encode())
                if explanation is not None:
                    set_fields(pipe, state.keys.state, {"explanation": explanation.encode()})

        self._under_lease(publications[0].state, queue)

    def erase(self, state: CameraState) -> None:
        """Delete what was committed for a camera after its removal; nothing while it is there in this incarnation.

        Raises as `commit`."""

        def is_gone(pipe: redis.client.Pipeline) -> bool:
            pipe.watch(keys.CAMERAS)  # type: ignore[no-untyped-call]
            record = cast("bytes | None", pipe.hget(keys.CAMERAS, state.camera.id))
            return is_over(record, state.camera.incarnation)

        self._under_lease(state, lambda pipe: pipe.delete(*state.keys.of_inference), is_gone)

    def _under_lease(
        self,
        state: CameraState,
        queue: Callable[[redis.client.Pipeline], object],
        only_if: Callable[[redis.client.Pipeline], bool] | None = None,
    ) -> None:
        try:
            with translated():
                state.tenure.write(self._client, queue, only_if)
        except redis.ResponseError as error:
            raise BusUnavailableError(f"Redis refused a commit: {error}") from None

    def applied(self, state: CameraState, batch: CommitBatch) -> bool:
        """Whether this batch was the last to take effect for the camera."""
        with translated():
            return self._client.hget(state.keys.state, "commit") == batch.id.encode()

    def _expired_alerts(self) -> list[bytes]:
        """Some of the listed alerts whose records have expired, which Redis decides by its own time. Those announced
        first and those that began first are examined, so that a clock which was wrong then does not matter."""
        with translated():
            listed: set[Any] = {
                *self._client.zrange(keys.ALERTS_BY_RECEIPT, 0, _EXAMINED - 1),
                *self._client.zrange(keys.ALERTS_BY_TIME, 0, _EXAMINED - 1),
            }
            names = sorted(listed)
            records = self._client.mget([keys.alert(name.decode()) for name in names]) if names else []
        return [name for name, record in zip(names, records, strict=True) if record is None]

    def _queue_batch(
        self, pipe: redis.client.Pipeline, state: CameraState, batch: CommitBatch, expired: Sequence[bytes] = ()
    ) -> None:
        camera_keys = state.keys
        self._queue_scores(pipe, state, batch)
        if expired:
            pipe.zrem(keys.ALERTS_BY_TIME, *expired)
            pipe.zrem(keys.ALERTS_BY_RECEIPT, *expired)
        for change in batch.alerts:
            self._queue_alert(pipe, change)
        for alert in batch.shadow_alerts:
            most = MAX_SHADOW_ENTRIES
            pipe.xadd(camera_keys.shadow, {ALERT_FIELD: alert.encode()}, maxlen=most, approximate=False)
        self._queue_state(pipe, state, batch)
        counters: dict[Any, Any] = dict(state.counters)
        if counters:
            pipe.hset(camera_keys.counters, mapping=counters)
        if not state.removed:
            kept_from = state.recent[0][0] if state.recent else state.position
            fps = state.camera.analysis_fps or self._settings.analysis_fps
            shown_from = state.position - min(self._settings.queue_frames, round(self._shown_s * fps))
            pipe.xtrim(camera_keys.frames, minid=f"{max(0, min(kept_from, shown_from))}-0", approximate=False)

    def _queue_state(self, pipe: redis.client.Pipeline, state: CameraState, batch: CommitBatch) -> None:
        stored = state_to_store(state)
        conditions = json.dumps(stored.pop("conditions"))
        logged: dict[Any, Any] = {
            "commit": batch.id,
            "seq": state.position,
            "books": state.gaps.encode(),
            "worker": json.dumps(stored),
            "eras": state.camera_time.eras.encode(),
        }
        if state.bank.shadow is not None:
            logged["shadow"] = state.bank.shadow.status.encode()
        unlogged: dict[Any, Any] = {"boxes": json.dumps(state.boxes)}
        # They change slowly and are large: after a crash, those of the last minute or the last alert are good enough.
        (logged if batch.minutes or batch.alerts else unlogged)["conditions"] = conditions
        pipe.hset(state.keys.state, mapping=logged)
        set_fields(pipe, state.keys.state, unlogged)

    def _queue_scores(self, pipe: redis.client.Pipeline, state: CameraState, batch: CommitBatch) -> None:
        scores, high_scores, minutes = state.keys.scores, state.keys.high_scores, state.keys.minutes
        for entry_ms, score in batch.scores:
            oldest_ms = entry_ms - int(self._settings.score_retention_hours * 3_600_000)
            pipe.xadd(scores, _fields(score.encode()), id=f"{entry_ms}-0", minid=f"{max(0, oldest_ms)}-0")
        for entry_ms, score in batch.high_scores:
            pipe.xadd(high_scores, _fields(score.encode()), id=f"{entry_ms}-0", maxlen=MOST_KEPT)
        for entry_ms, minute in batch.minutes:
            pipe.xtrim(high_scores, minid=f"{max(0, entry_ms - KEPT_MS)}-0", approximate=True)
            oldest_ms = entry_ms - int(self._settings.minute_retention_days * 86_400_000)
            pipe.xadd(minutes, _fields(minute.encode()), id=f"{entry_ms}-0", minid=f"{max(0, oldest_ms)}-0")
            state.camera_time.eras.forget_before(oldest_ms)

    def _queue_alert(self, pipe: redis.client.Pipeline, change: AlertUpdate) -> None:
        alert, kept_s = change.alert, lifetime_s(self._settings.alert_retention_days)
        queue_alert(pipe, alert, kept_s)
        if change.picture is not None:
            pipe.set(keys.alert_picture(alert.id), change.picture, ex=kept_s)
        if change.explanation is not None:
            pipe.set(keys.alert_explanation(alert.id), change.explanation.encode(), ex=kept_s)
        if change.announce:
            queue_announcement(pipe, alert, self._clock.now_ms())


def _may_be_seen(state: CameraState, record: bytes | None) -> bool:
    """Whether the camera, as it is stored now, has no privacy zone but those that its frames were blackened for. One
    that cannot be read may have any."""
    try:
        return covers(state.must_hide, marks_of(polygons(readable_zones(record), ZoneKind.PRIVACY)))
    except RejectedError:
        return False


def _fields(encoded: dict[bytes, bytes]) -> dict[Any, Any]:
    return dict(encoded)  # redis-py's types want its own union of keys and values


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
    shadow: dict[str, Any] | None = None
    view_began_s: Annotated[float, Field(ge=0, le=LATEST_S)] | None = None  # where still frames are told from others

    @model_validator(mode="after")
    def _a_mean_is_a_score(self) -> Self:
        if self.minute is not None and self.minute[2] > self.minute[1]:
            raise ValueError(f"{self.minute[1]} scores of together {self.minute[2]}")
        return self

    def with_conditions(self, stored: bytes | None) -> StoredState:
        """The conditions have a field of their own in Redis. Raises pydantic's `ValidationError`, a `ValueError`."""
        return self if stored is None else self.model_copy(update={"conditions": _CONDITIONS.validate_json(stored)})


def state_to_store(state: CameraState) -> dict[str, Any]:
    """JSON values that every commit stores; `resume` reads them."""
    bank, minute, last_frame = state.bank, state.minute, state.camera_time.last
    more: dict[str, Any] = {"shadow": bank.shadow.state()} if bank.shadow is not None else {}
    if bank.context.view_began_s is not None:
        more["view_began_s"] = bank.context.view_began_s
    return {
        "analyzer": bank.scorer.state() if bank.scorer else bank.stored_scorer,
        "last_score_ms": state.last_score_ms,
        "minute": [minute.minute_ms, minute.count, minute.total, minute.peak] if minute else None,
        "alert": state.anomaly.open.model_dump(mode="json") if state.anomaly.open else None,
        "told_peak": state.anomaly.announced_peak,
        "recent": list(state.recent),
        "time": list(last_frame[:3]) if last_frame else None,
        "conditions": state.conditions.state(),
        "cuts": state.cuts.state(),
        "cut_frames": sorted(state.cut_frames),
        **more,
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
            log.warning("%s: smoothing restarts, its stored state is unreadable (%r)", camera.id, error)
    state.last_score_ms = max(state.last_score_ms, last_score_ms)
    return state


def _restore(state: CameraState, stored: StoredState) -> None:
    state.anomaly.open, state.anomaly.announced_peak = stored.alert, stored.told_peak
    state.last_score_ms = stored.last_score_ms
    state.minute = ScoreMinute(*stored.minute) if stored.minute else None
    state.recent = deque(stored.recent)
    if stored.time is not None:
        state.camera_time.last = TimedFrame(*stored.time, received_ns=None)
    state.bank.stored_scorer, state.bank.stored_shadow = stored.analyzer, stored.shadow
    if stored.view_began_s is not None:
        state.bank.context.begin_view(stored.view_began_s)
    if stored.conditions is not None:
        state.conditions.restore(stored.conditions)
    state.cut_frames = set(stored.cut_frames)
    if stored.cuts is not None:
        _restore_cuts(state, stored.cuts)


def _restore_cuts(state: CameraState, stored: dict[str, Any]) -> None:
    try:
        state.cuts.restore(stored)
    except UNREADABLE as error:
        log.warning("%s: the detection of cuts restarts, the stored picture is unreadable (%r)", state.camera.id, error)
