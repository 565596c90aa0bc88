"""What a batch changed for one camera, written in one transaction under the partition's lease."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import redis

from patchwatch import keys
from patchwatch.bus import translated
from patchwatch.errors import BusUnavailableError, LeaseLostError
from patchwatch.messages.alert import Alert
from patchwatch.messages.score import Score, ScoreMinute
from patchwatch.settings import Settings
from workers.inference.lease import Leases
from workers.inference.session import Session

_TRIES = 8  # the lease is renewed once a second: two in a row are rare


@dataclass
class Outcome:
    """Results of one camera that wait to be committed. ``id`` tells afterwards whether they were."""

    scores: list[tuple[int, Score]] = field(default_factory=list)  # (entry id in ms, score)
    minutes: list[ScoreMinute] = field(default_factory=list)
    alerts: list[tuple[Alert, bool, bytes | None]] = field(default_factory=list)  # (record, tell, picture of the peak)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


class Committer:
    """Writes outcomes so that a restart neither repeats nor loses a score.

    Scores, alerts, the camera's state and the trimming of its frames succeed or fail together, and only while this
    worker holds the lease.
    """

    def __init__(self, client: redis.Redis, leases: Leases, settings: Settings) -> None:
        self._client = client
        self._leases = leases
        self._settings = settings

    def commit(self, session: Session, outcome: Outcome) -> None:
        """Raises `LeaseLostError`, or `BusUnavailableError` when it is unknown whether it was applied: then call
        `applied` once Redis answers again, and `commit` again if it was not."""
        # Our own renewal of the lease between WATCH and EXEC aborts the transaction too: nothing was applied, and
        # `guard` tells on the next try whether the lease is still ours.
        for _ in range(_TRIES):
            try:
                with translated(), self._client.pipeline(transaction=True) as pipe:
                    self._leases.guard(pipe, session.keys.partition, session.lease)
                    self._queue(pipe, session, outcome)
                    pipe.execute()
                    return
            except redis.WatchError:
                continue
            except redis.ResponseError as error:
                raise BusUnavailableError(f"Redis refused a commit: {error}") from None
        raise LeaseLostError(f"partition {session.keys.partition} changed hands")

    def applied(self, session: Session, outcome: Outcome) -> bool:
        """Whether this outcome was the last to take effect for the camera."""
        with translated():
            return self._client.hget(session.keys.state, "commit") == outcome.id.encode()

    def _queue(self, pipe: redis.client.Pipeline, session: Session, outcome: Outcome) -> None:
        of = session.keys
        self._queue_scores(pipe, session, outcome)
        for alert, tell, picture in outcome.alerts:
            self._queue_alert(pipe, alert, tell, picture)
        state: dict[Any, Any] = {
            "commit": outcome.id,
            "seq": session.position,
            "worker": json.dumps(session.worker_state()),
            "boxes": json.dumps(session.boxes),
        }
        pipe.hset(of.state, mapping=state)
        counters: dict[Any, Any] = dict(session.counters)
        if counters:
            pipe.hset(of.counters, mapping=counters)
        kept_from = session.recent[0][0] if session.recent else session.position
        pipe.xtrim(of.frames, minid=f"{kept_from}-0", approximate=False)

    def _queue_scores(self, pipe: redis.client.Pipeline, session: Session, outcome: Outcome) -> None:
        of = session.keys
        for entry_ms, score in outcome.scores:
            pipe.xadd(of.scores, _fields(score.encode()), id=f"{entry_ms}-0")
        if outcome.scores:
            oldest_ms = outcome.scores[-1][0] - int(self._settings.score_retention_hours * 3_600_000)
            pipe.xtrim(of.scores, minid=f"{max(0, oldest_ms)}-0", approximate=True)
        for minute in outcome.minutes:
            pipe.xadd(of.minutes, _fields(minute.encode()), id=f"{minute.minute_ms}-0")
            oldest_ms = minute.minute_ms - int(self._settings.minute_retention_days * 86_400_000)
            pipe.xtrim(of.minutes, minid=f"{max(0, oldest_ms)}-0", approximate=True)

    def _queue_alert(self, pipe: redis.client.Pipeline, alert: Alert, tell: bool, picture: bytes | None) -> None:
        lifetime_s = int(self._settings.alert_retention_days * 86_400)
        pipe.set(keys.alert(alert.id), alert.encode(), ex=lifetime_s)
        if picture is not None:
            pipe.set(keys.alert_picture(alert.id), picture, ex=lifetime_s)
        if tell:
            pipe.xadd(keys.ALERTS, {b"a": alert.encode()}, maxlen=100_000, approximate=True)
            pipe.zadd(keys.ALERTS_BY_TIME, {alert.id: alert.started_at_ms})
            pipe.zremrangebyscore(keys.ALERTS_BY_TIME, "-inf", alert.started_at_ms - lifetime_s * 1000)


def _fields(encoded: dict[bytes, bytes]) -> dict[Any, Any]:
    return dict(encoded)  # redis-py's types want its own union of keys and values
