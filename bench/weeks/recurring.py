"""Corrections of a simulated camera: what recurs is admitted, and an operator judges alerts, by the product's rules."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bench.weeks.camera import SimulatedCamera
from models.memory.event_footage import AROUND_MS
from models.memory.recurrence import (
    OCCURRENCES,
    Likeness,
    Occurrence,
    earlier_at_the_same_hour,
    further_of,
    recurrence_of,
)
from patchwatch.contract.errors import ConflictError
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.cameras.correction import (
    CameraCorrections,
    Correction,
    CorrectionHours,
    CorrectionKind,
    Span,
)
from workers.enrolment.recurrence.admission import admitted, in_force, waits_until_ms
from workers.enrolment.recurrence.watch import _EventMemory
from workers.inference.corrections.addition_maker import AdditionOrder, make_additions

Judge = Callable[[Alert], CorrectionKind]


@dataclass
class Corrections:
    """Of one camera. ``judge``: what its operator says of each alert; None: nobody says anything."""

    camera: SimulatedCamera
    judge: Judge | None = None
    said: list[str] = field(default_factory=list)  # for people

    def __post_init__(self) -> None:
        self._seen: list[Occurrence] = []
        self._waiting: list[Occurrence] = []
        self._made_for: tuple[str, CameraCorrections] | None = None

    def follow(self, now_ms: int) -> None:
        """Take in the alerts that have closed, admit what recurs or what the operator says, and score with it."""
        known = {one.id for one in self._seen}
        for alert in sorted(self.camera.alerts.values(), key=lambda alert: alert.started_at_ms):
            if alert.kind is AlertKind.ANOMALY and alert.state is AlertState.CLOSED and alert.id not in known:
                self._take(alert, now_ms)
        while self._waiting and now_ms >= waits_until_ms(self.camera.record):
            self._compare(self._waiting.pop(0), now_ms)
        self.use(now_ms)

    def _take(self, alert: Alert, now_ms: int) -> None:
        one = Occurrence(alert.id, alert.started_at_ms, alert.ended_at_ms or alert.started_at_ms)
        self._seen.append(one)
        if self.judge is not None:
            self._say(alert, self.judge(alert), now_ms)
        elif len(earlier_at_the_same_hour(one, self._seen)) >= OCCURRENCES - 1:
            self._waiting.append(one)

    def _compare(self, one: Occurrence, now_ms: int) -> None:
        earlier, likeness = earlier_at_the_same_hour(one, self._seen), self._likeness()
        recurrence = None
        if likeness is not None:
            recurrence = further_of(one, in_force(self.camera.record), likeness.mostly_explained)
            recurrence = recurrence or recurrence_of(one, earlier, likeness.explained)
            may = [likeness.may_recur(other) for other in (one, *earlier)]
            at = time.strftime("%a %H:%M", time.gmtime(one.started_ms / 1000))
            self.said.append(f"{at}: compared with {len(earlier)}, may recur: {may}, recurs: {bool(recurrence)}")
        if recurrence is not None:
            try:
                self.camera.record = admitted(self.camera.record, recurrence, secrets.token_hex(8), now_ms)
                self.said.append(self.camera.record.corrections[-1].note)
            except ConflictError as error:
                self.said.append(str(error))

    def _say(self, alert: Alert, kind: CorrectionKind, now_ms: int) -> None:
        ended_ms = alert.ended_at_ms or alert.started_at_ms
        hours = CorrectionHours.around(alert.started_at_ms, ended_ms)
        correction = Correction(
            id=secrets.token_hex(8), kind=kind, spans=(Span.around(alert.started_at_ms, ended_ms, AROUND_MS),),
            hours=hours if kind is CorrectionKind.NORMAL_AT_THIS_TIME else None, alert_ids=(alert.id,),
            by="operator", at_ms=now_ms,
        )  # fmt: skip
        with suppress(ConflictError):  # so many are in force that the operator would first undo some
            self.camera.record = self.camera.record.with_one(correction)

    def _likeness(self) -> Likeness | None:
        bank = self.camera.state.bank.loaded
        if bank is None or self.camera.state.bank.scorer is None:
            return None
        memory = _EventMemory(self.camera.settings, self.camera.camera, bank)
        return Likeness(bank, self.camera.state.bank.scorer.rule, memory.footage)

    def use(self, now_ms: int) -> None:
        """As the inference worker does when the corrections or the bank have changed."""
        bank, engine, scorer = (getattr(self.camera.state.bank, name) for name in ("loaded", "engine", "scorer"))
        if scorer is None or self._made_for == (bank.id, self.camera.record):
            return
        folder = self.camera.settings.memory_path(self.camera.camera.id, self.camera.camera.profile)
        order = AdditionOrder(
            self.camera.camera.id, bank, engine.identity, engine.profile, folder, self.camera.record, now_ms=now_ms
        )
        made = make_additions(order, self.camera.settings.memory_mb)
        scorer.use_additions(made.additions)
        self._made_for = bank.id, self.camera.record
        if self.camera.record.corrections:
            self.said.append(
                f"{made.in_force} in force, {len(made.waiting)} wait: {sorted(set(made.waiting.values()))}"
            )
