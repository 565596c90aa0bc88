"""The additions of a camera as they are, and as they would be with one correction more or less. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.banks.additions import Addition, Additions
from models.banks.bank import Bank
from models.banks.hours import Hours
from models.banks.rare_vectors import rare_vectors
from models.frames.frame import Features
from models.memory.addition_file import load_addition
from models.memory.spans import SpanMs, frames_within, overlaps
from models.memory.store import MemoryStore
from models.memory.stretches.stretch_identity import stretch_identity
from patchwatch.bus import keys
from patchwatch.bus.corrections import decoded
from patchwatch.contract.errors import NotFoundError, PatchwatchError, RejectedError
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.cameras.correction import (
    AROUND_EVENT_MS,
    CameraCorrections,
    Correction,
    CorrectionHours,
    Span,
)
from patchwatch.messages.what_if import CorrectionChange, StretchChange, UndoChange
from workers.inference.corrections.addition_maker import NOTHING_REMEMBERED, SUFFIX


@dataclass(frozen=True)
class Corrected:
    """``additions``: None where there are none. ``missing``: corrections in force whose exemplars are not there yet."""

    additions: Additions | None
    missing: int = 0


class RememberedCorrections:
    """Of one camera and bank."""

    def __init__(self, client: Any, camera_id: str, store: MemoryStore, folder: Path, bank: Bank) -> None:
        self._client = client
        self._camera_id = camera_id
        self._store = store
        self._folder = folder / "corrections"
        self._bank = bank
        self._stored = decoded(camera_id, client.hget(keys.CORRECTIONS, camera_id))

    @property
    def rejected(self) -> list[SpanMs]:
        """The time that no bank learns from."""
        return [(span.from_ms, span.until_ms) for span in self._stored.rejected_spans()]

    def present(self) -> Corrected:
        """Those in force."""
        return self._of(self._stored)

    def after(self, change: CorrectionChange | UndoChange | StretchChange, now_ms: int) -> Corrected:
        """Raises `NotFoundError` for an alert or correction that is not there, or where nothing of it is remembered,
        `ConflictError`, and `RejectedError` for an alert of another camera."""
        if isinstance(change, UndoChange):
            return self._of(self._stored.undone(change.correction_id, "operator", now_ms))
        corrected = self._of(self._stored)
        known = corrected.additions.additions if corrected.additions else ()
        added = self._learnt(change.span) if isinstance(change, StretchChange) else self._addition(change, now_ms)
        return Corrected(Additions(self._bank, [*known, added]), corrected.missing)

    def _of(self, corrections: CameraCorrections) -> Corrected:
        wanted = corrections.adding()
        made = [addition for correction in wanted if (addition := self._kept(correction)) is not None]
        return Corrected(Additions(self._bank, made) if made else None, len(wanted) - len(made))

    def _kept(self, correction: Correction) -> Addition | None:
        with suppress(PatchwatchError, ValueError):
            streams, _ = load_addition(self._folder / f"{correction.id}{SUFFIX}")
            addition = Addition(streams, None if correction.hours is None else _hours(correction.hours))
            Additions(self._bank, [addition])  # one that does not fit must not cost the others
            return addition
        return None

    def _addition(self, change: CorrectionChange, now_ms: int) -> Addition:
        alert = self._alert(change.alert_id)
        ended_ms = alert.ended_at_ms or now_ms
        learnt = self._learnt(Span.around(alert.started_at_ms, ended_ms, AROUND_EVENT_MS))
        hours = _hours(CorrectionHours.around(alert.started_at_ms, ended_ms))
        return Addition(learnt.streams, hours) if change.kind == "normal_at_this_time" else learnt

    def _learnt(self, span: Span) -> Addition:
        frames = list(self._frames([(span.from_ms, span.until_ms)]))
        if not frames:
            raise NotFoundError(f"{NOTHING_REMEMBERED}: whether the correction would help cannot be told")
        return Addition(rare_vectors(self._bank, frames))

    def _alert(self, alert_id: str) -> Alert:
        record = self._client.get(keys.alert(alert_id))
        if record is None:
            raise NotFoundError(f"there is no alert {alert_id!r}, or its retention is over: see GET /api/v1/alerts")
        alert = Alert.decode(record)
        if alert.camera_id != self._camera_id:
            raise RejectedError(f"alert {alert_id!r} is of camera {alert.camera_id}: ask about that camera")
        return alert

    def _frames(self, spans: list[SpanMs]) -> Iterator[tuple[Features, ...]]:
        for info in self._store.infos():
            if overlaps(info.started_ms, info.ended_ms, spans):
                with suppress(PatchwatchError):  # damaged, or let go meanwhile
                    stretch = self._store.read(info.id)
                    made_by = stretch_identity(self._bank.profile, stretch.identity.engine, stretch.identity.view)
                    if made_by.fingerprint == stretch.identity.fingerprint:
                        yield from frames_within(stretch, spans, self.rejected)


def _hours(hours: CorrectionHours) -> Hours:
    return Hours(hours.from_minute, hours.minutes, hours.weekday)
