"""Commits the results of one camera in one transaction, under the lease of its partition."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import redis

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import LeaseKeys
from patchwatch.bus.unlogged_writes import set_fields
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alert import Alert
from patchwatch.messages.camera import is_over
from patchwatch.messages.explanation import Explanation
from patchwatch.messages.score import Score, ScoreMinute
from patchwatch.messages.status import AnalysisStatus
from workers.inference.camera_state import CameraState
from workers.inference.stored_state import state_to_store
from workers.runtime.lease import Lease

_EXAMINED = 50  # listed alerts of either order, each time that one is announced, for records that have expired


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
    minutes: list[tuple[int, ScoreMinute]] = field(default_factory=list)  # (entry id: of its last score, minute)
    alerts: list[AlertUpdate] = field(default_factory=list)
    explanation: Explanation | None = None  # of the last scored frame
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


class Committer:
    """Writes batches so that a restart neither repeats nor loses a score.

    Scores, alerts, the camera's state and the trimming of its frames succeed or fail together, and only while this
    worker holds the lease.
    """

    def __init__(self, client: redis.Redis, settings: Settings, clock: BusClock | None = None) -> None:
        self._client = client
        self._clock = clock or BusClock()
        self._settings = settings

    def commit(self, state: CameraState, batch: CommitBatch) -> None:
        """Raises `LeaseLostError`, or `BusUnavailableError` when it is unknown whether it was applied: then call
        `applied` once Redis answers again, and `commit` again if it was not."""
        expired = self._expired_alerts() if any(change.announce for change in batch.alerts) else []
        self._under_lease(state, lambda pipe: self._queue_batch(pipe, state, batch, expired))

    def publish_status(self, state: CameraState, status: AnalysisStatus) -> None:
        """Publish the status of the camera's analysis. Raises as `commit`."""
        self._under_lease(state, lambda pipe: pipe.set(state.keys.analysis, status.encode()))

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
        only_if: Callable[[redis.client.Pipeline], bool] = lambda _: True,
    ) -> None:
        lease = Lease(LeaseKeys.of_partition(state.keys.partition), state.lease)
        try:
            with translated():
                lease.write(self._client, queue, only_if)
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
        self._queue_state(pipe, state, batch)
        counters: dict[Any, Any] = dict(state.counters)
        if counters:
            pipe.hset(camera_keys.counters, mapping=counters)
        if not state.removed:
            kept_from = state.recent[0][0] if state.recent else state.position
            pipe.xtrim(camera_keys.frames, minid=f"{kept_from}-0", approximate=False)

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
        unlogged: dict[Any, Any] = {"boxes": json.dumps(state.boxes)}
        if batch.explanation is not None:
            unlogged["explanation"] = batch.explanation.encode()
        # They change slowly and are large: after a crash, those of the last minute or the last alert are good enough.
        (logged if batch.minutes or batch.alerts else unlogged)["conditions"] = conditions
        pipe.hset(state.keys.state, mapping=logged)
        set_fields(pipe, state.keys.state, unlogged)

    def _queue_scores(self, pipe: redis.client.Pipeline, state: CameraState, batch: CommitBatch) -> None:
        camera_keys = state.keys
        for entry_ms, score in batch.scores:
            pipe.xadd(camera_keys.scores, _fields(score.encode()), id=f"{entry_ms}-0")
        if batch.scores:
            oldest_ms = batch.scores[-1][0] - int(self._settings.score_retention_hours * 3_600_000)
            pipe.xtrim(camera_keys.scores, minid=f"{max(0, oldest_ms)}-0", approximate=True)
        for entry_ms, minute in batch.minutes:
            pipe.xadd(camera_keys.minutes, _fields(minute.encode()), id=f"{entry_ms}-0")
            oldest_ms = entry_ms - int(self._settings.minute_retention_days * 86_400_000)
            pipe.xtrim(camera_keys.minutes, minid=f"{max(0, oldest_ms)}-0", approximate=True)
            state.camera_time.eras.forget_before(oldest_ms)

    def _queue_alert(self, pipe: redis.client.Pipeline, change: AlertUpdate) -> None:
        alert = change.alert
        lifetime_s = int(self._settings.alert_retention_days * 86_400)
        pipe.set(keys.alert(alert.id), alert.encode(), ex=lifetime_s)
        if change.picture is not None:
            pipe.set(keys.alert_picture(alert.id), change.picture, ex=lifetime_s)
        if change.explanation is not None:
            pipe.set(keys.alert_explanation(alert.id), change.explanation.encode(), ex=lifetime_s)
        if change.announce:
            pipe.xadd(keys.ALERTS, {b"a": alert.encode()}, maxlen=100_000, approximate=True)
            pipe.zadd(keys.ALERTS_BY_TIME, {alert.id: alert.started_at_ms})
            pipe.zadd(keys.ALERTS_BY_RECEIPT, {alert.id: self._clock.now_ms()}, nx=True)


def _fields(encoded: dict[bytes, bytes]) -> dict[Any, Any]:
    return dict(encoded)  # redis-py's types want its own union of keys and values
