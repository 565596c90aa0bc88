"""What a batch changed for one camera, written in one transaction under the partition's lease."""

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
from patchwatch.messages.analysis_status import AnalysisStatus
from patchwatch.messages.camera import is_over
from patchwatch.messages.explanation import Explanation
from patchwatch.messages.score import Score, ScoreMinute
from workers.inference.camera_state import CameraState
from workers.runtime.lease import Lease

_LOOKED_AT = 50  # alerts, each time that one is told, whether their records are gone


@dataclass(frozen=True)
class ChangedAlert:
    """A changed alert, and whether subscribers shall hear of it. At its peak: that frame's JPEG and explanation."""

    alert: Alert
    tell: bool
    picture: bytes | None = None
    explanation: Explanation | None = None


@dataclass
class CommitBatch:
    """Results of one camera that wait to be committed. ``id`` tells afterwards whether they were."""

    scores: list[tuple[int, Score]] = field(default_factory=list)  # (entry id: the camera's own time in ms, score)
    minutes: list[tuple[int, ScoreMinute]] = field(default_factory=list)  # (entry id: of its last score, minute)
    alerts: list[ChangedAlert] = field(default_factory=list)
    explanation: Explanation | None = None  # of the last scored frame
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


class Committer:
    """Writes outcomes so that a restart neither repeats nor loses a score.

    Scores, alerts, the camera's state and the trimming of its frames succeed or fail together, and only while this
    worker holds the lease.
    """

    def __init__(self, client: redis.Redis, settings: Settings, clock: BusClock | None = None) -> None:
        self._client = client
        self._clock = clock or BusClock()
        self._settings = settings

    def commit(self, session: CameraState, outcome: CommitBatch) -> None:
        """Raises `LeaseLostError`, or `BusUnavailableError` when it is unknown whether it was applied: then call
        `applied` once Redis answers again, and `commit` again if it was not."""
        expired = self._expired_alerts() if any(change.tell for change in outcome.alerts) else []
        self._under_lease(session, lambda pipe: self._queue(pipe, session, outcome, expired))

    def tell(self, session: CameraState, status: AnalysisStatus) -> None:
        """Publish where the camera's analysis stands. Raises as `commit`."""
        self._under_lease(session, lambda pipe: pipe.set(session.keys.analysis, status.encode()))

    def erase(self, session: CameraState) -> None:
        """Delete what was committed for a camera after its removal; nothing while it is there in this incarnation.

        Raises as `commit`."""

        def is_gone(pipe: redis.client.Pipeline) -> bool:
            pipe.watch(keys.CAMERAS)  # type: ignore[no-untyped-call]
            record = cast("bytes | None", pipe.hget(keys.CAMERAS, session.camera.id))
            return is_over(record, session.camera.incarnation)

        self._under_lease(session, lambda pipe: pipe.delete(*session.keys.of_inference), is_gone)

    def _under_lease(
        self,
        session: CameraState,
        queue: Callable[[redis.client.Pipeline], object],
        only_if: Callable[[redis.client.Pipeline], bool] = lambda _: True,
    ) -> None:
        lease = Lease(LeaseKeys.for_partition(session.keys.partition), session.lease)
        try:
            with translated():
                lease.write(self._client, queue, only_if)
        except redis.ResponseError as error:
            raise BusUnavailableError(f"Redis refused a commit: {error}") from None

    def applied(self, session: CameraState, outcome: CommitBatch) -> bool:
        """Whether this outcome was the last to take effect for the camera."""
        with translated():
            return self._client.hget(session.keys.state, "commit") == outcome.id.encode()

    def _expired_alerts(self) -> list[bytes]:
        """Some of the listed alerts whose records are gone, as Redis lets them go by its own time. Those told of first
        are looked at, and those that began first: what a clock was when they began has no say."""
        with translated():
            listed: set[Any] = {
                *self._client.zrange(keys.ALERTS_BY_RECEIPT, 0, _LOOKED_AT - 1),
                *self._client.zrange(keys.ALERTS_BY_TIME, 0, _LOOKED_AT - 1),
            }
            names = sorted(listed)
            records = self._client.mget([keys.alert(name.decode()) for name in names]) if names else []
        return [name for name, record in zip(names, records, strict=True) if record is None]

    def _queue(
        self, pipe: redis.client.Pipeline, session: CameraState, outcome: CommitBatch, expired: Sequence[bytes] = ()
    ) -> None:
        of = session.keys
        self._queue_scores(pipe, session, outcome)
        if expired:
            pipe.zrem(keys.ALERTS_BY_TIME, *expired)
            pipe.zrem(keys.ALERTS_BY_RECEIPT, *expired)
        for change in outcome.alerts:
            self._queue_alert(pipe, change)
        self._queue_state(pipe, session, outcome)
        counters: dict[Any, Any] = dict(session.counters)
        if counters:
            pipe.hset(of.counters, mapping=counters)
        if not session.over:
            kept_from = session.recent[0][0] if session.recent else session.position
            pipe.xtrim(of.frames, minid=f"{kept_from}-0", approximate=False)

    def _queue_state(self, pipe: redis.client.Pipeline, session: CameraState, outcome: CommitBatch) -> None:
        worker = session.worker_state()
        conditions = json.dumps(worker.pop("conditions", None))
        logged: dict[Any, Any] = {
            "commit": outcome.id,
            "seq": session.position,
            "books": session.books.encode(),
            "worker": json.dumps(worker),
            "eras": session.camera_time.eras.encode(),
        }
        unlogged: dict[Any, Any] = {"boxes": json.dumps(session.boxes)}
        if outcome.explanation is not None:
            unlogged["explanation"] = outcome.explanation.encode()
        # They change slowly and are large: after a crash those of the last minute, or of the last alert, will do.
        (logged if outcome.minutes or outcome.alerts else unlogged)["conditions"] = conditions
        pipe.hset(session.keys.state, mapping=logged)
        set_fields(pipe, session.keys.state, unlogged)

    def _queue_scores(self, pipe: redis.client.Pipeline, session: CameraState, outcome: CommitBatch) -> None:
        of = session.keys
        for entry_ms, score in outcome.scores:
            pipe.xadd(of.scores, _fields(score.encode()), id=f"{entry_ms}-0")
        if outcome.scores:
            oldest_ms = outcome.scores[-1][0] - int(self._settings.score_retention_hours * 3_600_000)
            pipe.xtrim(of.scores, minid=f"{max(0, oldest_ms)}-0", approximate=True)
        for entry_ms, minute in outcome.minutes:
            pipe.xadd(of.minutes, _fields(minute.encode()), id=f"{entry_ms}-0")
            oldest_ms = entry_ms - int(self._settings.minute_retention_days * 86_400_000)
            pipe.xtrim(of.minutes, minid=f"{max(0, oldest_ms)}-0", approximate=True)
            session.camera_time.eras.forget_before(oldest_ms)

    def _queue_alert(self, pipe: redis.client.Pipeline, change: ChangedAlert) -> None:
        alert = change.alert
        lifetime_s = int(self._settings.alert_retention_days * 86_400)
        pipe.set(keys.alert(alert.id), alert.encode(), ex=lifetime_s)
        if change.picture is not None:
            pipe.set(keys.alert_picture(alert.id), change.picture, ex=lifetime_s)
        if change.explanation is not None:
            pipe.set(keys.alert_explanation(alert.id), change.explanation.encode(), ex=lifetime_s)
        if change.tell:
            pipe.xadd(keys.ALERTS, {b"a": alert.encode()}, maxlen=100_000, approximate=True)
            pipe.zadd(keys.ALERTS_BY_TIME, {alert.id: alert.started_at_ms})
            pipe.zadd(keys.ALERTS_BY_RECEIPT, {alert.id: self._clock.now_ms()}, nx=True)


def _fields(encoded: dict[bytes, bytes]) -> dict[Any, Any]:
    return dict(encoded)  # redis-py's types want its own union of keys and values
