"""What another bank, zones or corrections would have made of what is remembered of a camera: a sample of its past."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from models.alarms.event_detector import Event
from models.banks.additions import Addition, Additions
from models.banks.bank import Bank
from models.banks.bank_file import check_identity
from models.banks.forgetting import without_exemplars_of
from models.banks.rare_vectors import rare_vectors
from models.frames.frame import Features
from models.frames.view import ViewMask
from models.memory.rescoring import Judgement, Rescorer, frames_of
from models.memory.spans import SpanMs, rejecting
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import SAME_RUN_WITHIN_S, Stretch, StretchInfo
from models.memory.stretches.stretch_identity import stretch_identity
from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable
from patchwatch.contract.bounds import LATEST_MS
from patchwatch.contract.errors import BankMismatchError, NotFoundError, PatchwatchError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import Span
from patchwatch.messages.what_if import (
    BankChange,
    Basis,
    CorrectionChange,
    StretchChange,
    UndoChange,
    WhatIf,
    WhatIfEvent,
    ZonesChange,
)
from workers.analysis.alarm_rule import rule_in_force
from workers.analysis.anomaly_kinds import streams_of
from workers.analysis.zone_view import view_of
from workers.enrolment.what_if.answer import Evidence, comparison, described
from workers.enrolment.what_if.camera_banks import CameraBanks
from workers.enrolment.what_if.remembered_corrections import RememberedCorrections

MemoryChange = BankChange | ZonesChange | CorrectionChange | UndoChange | StretchChange
_WITHIN_S = 35.0
_LEARNING_WITHIN_S = 10.0  # before that, where something is forgotten
_MOST_ALERTS = 2000  # of all cameras, looked through for those of this one


@dataclass
class _Judged:
    """What both judgements made of the stretches that were read. ``foreign``: stretches of other networks, options or
    zones; ``unreadable``: damaged ones. ``differences``: between the scores given live and those given again."""

    before: list[Event] = field(default_factory=list)
    after: list[Event] = field(default_factory=list)
    infos: list[StretchInfo] = field(default_factory=list)
    clocks: list[tuple[float, float]] = field(default_factory=list)  # first own time in s, Unix time minus it in ms
    differences: list[float] = field(default_factory=list)
    frames: int = 0
    foreign: int = 0
    unreadable: int = 0
    cut_short: bool = False

    def wall_ms(self, at_s: float, since_s: float) -> int:
        """By the stretch in which an event began."""
        number = bisect_right(self.clocks, (since_s + 1e-6, float("inf"))) - 1
        return min(LATEST_MS, max(0, round(at_s * 1000 + self.clocks[max(0, number)][1])))


def what_if_memory(
    client: Any, settings: Settings, camera: Camera, change: MemoryChange, span: tuple[int, int], now_ms: int
) -> WhatIf:
    """``span``: Unix time in milliseconds. Raises `NotFoundError` where nothing is remembered of it or a named thing is
    not there, and `BankMismatchError` for a bank of other networks."""
    banks = CameraBanks(settings, camera)
    folder = settings.memory_path(camera.id, camera.profile)
    store = MemoryStore(folder, settings.memory_mb)
    corrections = RememberedCorrections(client, camera.id, store, folder, banks.active)
    present = corrections.present()
    mask = ViewMask(view_of(camera.zones), banks.active.view)
    before = Judgement(
        banks.active, rule_in_force(banks.active, camera, settings), streams_of(camera.muted), mask, present.additions
    )
    missing, told = present.missing, ""
    if isinstance(change, StretchChange) and change.change == "forget":
        after, told = _forgetting(before, change.span, store, corrections.rejected)
    elif isinstance(change, CorrectionChange | UndoChange | StretchChange):
        corrected = corrections.after(change, now_ms)
        after, missing = replace(before, additions=corrected.additions), corrected.missing
    else:
        after = _with_other(before, change, banks, camera, settings)
    judged = _judge(store, before, after, span)
    if not judged.frames:
        raise NotFoundError(
            f"nothing is remembered of camera {camera.id} from this time that its present networks made: ask for "
            "another time, or wait until more is remembered"
        )
    notes = _notes(judged, change, missing, span) + ((told,) if told else ())
    return _answer(client, camera, before, after, judged, span, notes)


def _forgetting(
    before: Judgement, forgotten: Span, store: MemoryStore, rejected: Sequence[SpanMs]
) -> tuple[Judgement, str]:
    """By the present bank without what it has of the stretch, and with what is rare to it then of all else that may be
    learnt. What operators corrected stays."""
    span = forgotten.from_ms, forgotten.until_ms
    left = without_exemplars_of(before.bank, [span])
    if not left.removed:
        return before, (
            "the present bank has nothing from this stretch, so forgetting it changes no score now; later banks do not "
            "learn from it either"
        )
    others = rare_vectors(left.bank, _learnable(store, left.bank, [span, *rejected]))
    known = before.additions.additions if before.additions else ()
    additions = Additions(left.bank, [*known, Addition(others)])
    return replace(before, bank=left.bank, additions=additions), (
        f"judged by the present bank without its {left.removed} of {left.exemplars} exemplars from this stretch, and "
        "with what is rare to it of the rest of the memory; a bank that is learnt anew also has other levels"
    )


def _learnable(store: MemoryStore, bank: Bank, without: Sequence[SpanMs]) -> Iterator[tuple[Features, ...]]:
    """The remembered frames that a bank may be learnt from, the newest stretches first, as far as there is time."""
    deadline_s = time.monotonic() + _LEARNING_WITHIN_S
    for info in reversed(store.infos()):
        if time.monotonic() > deadline_s:
            return
        with suppress(PatchwatchError):  # damaged, or let go meanwhile
            stretch = rejecting(store.read(info.id), without)
            if _fits(stretch, bank):
                yield from (frame for frame, fit in zip(frames_of(stretch), stretch.learnable, strict=True) if fit)


def _with_other(
    before: Judgement, change: BankChange | ZonesChange, banks: CameraBanks, camera: Camera, settings: Settings
) -> Judgement:
    if isinstance(change, ZonesChange):
        return replace(before, mask=ViewMask(view_of(change.zones), before.bank.view))
    bank = banks.get(change.bank_id)
    check_identity(bank, before.bank.profile, before.bank.identity, where=f"bank {bank.id}")
    mask = ViewMask(view_of(camera.zones), bank.view)
    return Judgement(bank, rule_in_force(bank, camera, settings), before.muted, mask)


def _judge(store: MemoryStore, before: Judgement, after: Judgement, span: tuple[int, int]) -> _Judged:
    judged = _Judged()
    infos = [info for info in store.infos() if info.ended_ms >= span[0] and info.started_ms <= span[1]]
    judged.unreadable = store.damaged
    deadline_s = time.monotonic() + _WITHIN_S
    for chain in reversed(list(_chains(infos))):
        if time.monotonic() > deadline_s:
            judged.cut_short = True
            break
        sides = Rescorer(before), Rescorer(after)
        for stretch, info in _read(store, chain, before.bank, judged):
            _add(judged, sides, stretch, info)
            if time.monotonic() > deadline_s:
                judged.cut_short = True
                break
        judged.before += sides[0].events
        judged.after += sides[1].events
    judged.clocks.sort()
    return judged


def _chains(infos: Sequence[StretchInfo]) -> Iterator[list[StretchInfo]]:
    """Stretches that follow each other without a pause; in order of time, as the stretches are."""
    chain: list[StretchInfo] = []
    for info in infos:
        if chain and info.started_ms - chain[-1].ended_ms > SAME_RUN_WITHIN_S * 1000:
            yield chain
            chain = []
        chain.append(info)
    if chain:
        yield chain


def _read(
    store: MemoryStore, chain: Sequence[StretchInfo], bank: Bank, judged: _Judged
) -> Iterator[tuple[Stretch, StretchInfo]]:
    """Those that the bank's networks made, in the view that it was learnt in."""
    for info in chain:
        try:
            stretch = store.read(info.id)
        except PatchwatchError:  # damaged, or let go meanwhile to make room
            judged.unreadable += 1
            continue
        if _fits(stretch, bank):
            yield stretch, info
        else:
            judged.foreign += 1


def _fits(stretch: Stretch, bank: Bank) -> bool:
    made_by = stretch.identity
    with suppress(BankMismatchError):
        check_identity(bank, bank.profile, made_by.engine)
        same = stretch_identity(bank.profile, made_by.engine, made_by.view).fingerprint == made_by.fingerprint
        return same and made_by.view.counts_like(bank.view)
    return False


def _add(judged: _Judged, sides: tuple[Rescorer, Rescorer], stretch: Stretch, info: StretchInfo) -> None:
    frames = frames_of(stretch)
    scores = sides[0].add(stretch, frames)
    sides[1].add(stretch, frames)
    differences = np.abs(scores - stretch.scores)
    judged.differences += differences[np.isfinite(differences)].tolist()
    first_s = float(stretch.times_s[0])
    judged.clocks.append((first_s, stretch.started_ms - first_s * 1000))
    judged.infos.append(info)
    judged.frames += len(stretch)


def _answer(
    client: Any,
    camera: Camera,
    before: Judgement,
    after: Judgement,
    judged: _Judged,
    span: tuple[int, int],
    notes: tuple[str, ...],
) -> WhatIf:
    found = comparison(judged.before, judged.after, judged.wall_ms, span)
    profile = before.bank.profile
    fewer, more = (
        described(events, camera.id, profile, judged.wall_ms, lambda event: Evidence(event.stream, None))
        for events in (found.fewer, found.more)
    )
    alerts = _alerts(client, camera.id, span)
    return WhatIf(
        basis=Basis.MEMORY, before=len(found.before), after=len(found.after), fewer_count=len(found.fewer),
        more_count=len(found.more), fewer=tuple(_named(event, alerts) for event in fewer),
        more=tuple(_named(event, alerts) for event in more), level_before=before.rule.on, level_after=after.rule.on,
        from_ms=min(info.started_ms for info in judged.infos), to_ms=max(info.ended_ms for info in judged.infos),
        seconds=sum(info.seconds for info in judged.infos), frames=judged.frames, exact=False, notes=notes,
    )  # fmt: skip


def _alerts(client: Any, camera_id: str, span: tuple[int, int]) -> list[Alert]:
    """The anomaly alerts of the camera that are stored, the newest ones."""
    names = client.zrevrangebyscore(keys.ALERTS_BY_TIME, span[1], span[0], start=0, num=_MOST_ALERTS)
    records = client.mget([keys.alert(name.decode(errors="replace")) for name in names]) if names else []
    alerts = [readable(Alert.decode, record, "an alert") for record in records]
    return [alert for alert in alerts if alert and (alert.camera_id, alert.kind) == (camera_id, AlertKind.ANOMALY)]


def _named(event: WhatIfEvent, alerts: Sequence[Alert]) -> WhatIfEvent:
    """With the stored alert of the same time: scored again, an event may begin some frames earlier or later."""
    ended_ms = event.ended_at_ms if event.ended_at_ms is not None else LATEST_MS
    at_its_time = (
        alert.id
        for alert in alerts
        if alert.started_at_ms <= ended_ms and (alert.ended_at_ms is None or alert.ended_at_ms >= event.started_at_ms)
    )
    return event.model_copy(update={"alert_id": next(at_its_time, None)})


def _notes(judged: _Judged, change: MemoryChange, missing: int, span: tuple[int, int]) -> tuple[str, ...]:
    """How much was judged, and how far the answer can be trusted."""
    seconds = sum(info.seconds for info in judged.infos)
    first_ms = max(span[0], min(info.started_ms for info in judged.infos))
    last_ms = min(span[1], max(info.ended_ms for info in judged.infos))
    share = min(1.0, 1000 * seconds / max(1, last_ms - first_ms))
    notes = [
        f"memory is a sample: {100 * share:.3g} % of the time is in it. What alerted, or was rarer than usual, is kept "
        "sooner than the rest; so counts are not rates"
    ]
    if judged.differences:
        usual, most = np.mean(judged.differences), np.quantile(judged.differences, 0.95)
        notes.append(
            f"scored again, frames differ from their live scores by {usual:.2f} on average, and by {most:.2f} at most "
            "in 95 % (other banks and corrections of that time included): alerts near the level are uncertain"
        )
    if isinstance(change, ZonesChange):
        notes.append("what is ignored now is not in the memory: what it would add cannot be told")
    if isinstance(change, BankChange):
        notes.append("corrections are left out for the other bank: they are made anew for it once it is active")
    left_out = {"of other networks, options or zones": judged.foreign, "that cannot be read": judged.unreadable}
    notes += [f"{count} stretches {words} are left out" for words, count in left_out.items() if count]
    notes += [f"{missing} corrections are left out: their exemplars are not made yet"] if missing else []
    notes += ["only the newest stretches were judged, as there was no time for more"] if judged.cut_short else []
    return tuple(notes)
