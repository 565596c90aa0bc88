"""What another budget, level or muting would have made of the stored scores, by the event detector of live cameras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.alarms.alarm_threshold import OFF_OF_ON
from models.alarms.event_detector import Event, EventRule
from models.alarms.event_replay import KnownScores, replay
from models.banks.bank import Bank
from models.engine.frame_scorer import FrameScorer
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import NotFoundError, RejectedError
from patchwatch.contract.settings import Settings
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.what_if import Basis, BudgetChange, LevelChange, MutedChange, WhatIf
from workers.analysis.alarm_rule import rule_in_force
from workers.analysis.anomaly_kinds import streams_of
from workers.analysis.high_scores import FLOOR
from workers.enrolment.what_if.answer import Evidence, comparison, described, with_kept_alerts
from workers.enrolment.what_if.camera_banks import CameraBanks, epochs, rules_of
from workers.enrolment.what_if.stored_scores import StoredScores, read_scores

ScoreChange = BudgetChange | LevelChange | MutedChange
_OVER_AFTER_MS = 60_000  # without a frame for so long, nothing is open any more


@dataclass(frozen=True)
class _Judged:
    """Scores, which stream led each of them, and the events that a rule opens on them."""

    known: KnownScores
    drivers: Sequence[str | None]
    events: Sequence[Event]


def what_if_scores(
    client: Any, settings: Settings, camera: Camera, change: ScoreChange, span: tuple[int, int], now_ms: int
) -> WhatIf:
    """``span``: Unix time in milliseconds. Raises `NotFoundError` where nothing is stored of it or the camera has no
    bank, and `RejectedError` for a change that its scores cannot tell."""
    banks = CameraBanks(settings, camera)
    keys = CameraKeys.for_camera(camera.id, settings.partitions)
    stored = read_scores(client, keys, *span, with_streams=isinstance(change, MutedChange))
    if not len(stored):
        raise _nothing(camera.id, settings)
    over = now_ms - stored.frames[-1].captured_ms > _OVER_AFTER_MS
    by_bank = {bank_id: banks.of_scores(bank_id) for _, _, bank_id in epochs(stored)}
    rules = _rules(by_bank, lambda bank: rule_in_force(bank, camera, settings))
    changed = _rules(by_bank, lambda bank: _rule_after(bank, camera, settings, change))
    if too_low := stored.high > 0 and any(rule.off < FLOOR for rule in (*rules.values(), *changed.values()) if rule):
        stored = stored.without_high()
        if not len(stored):
            raise _nothing(camera.id, settings)
    drivers = [frame.driver for frame in stored.frames]
    before = _Judged(stored.known, drivers, replay(stored.known, rules_of(stored, rules), over=over))
    after = _judged_after(stored, by_bank, changed, change, over)
    found = comparison(before.events, after.events, stored.wall_ms, span)
    profile = banks.active.profile
    fewer = described(found.fewer, camera.id, profile, stored.wall_ms, lambda event: _evidence(stored, before, event))
    more = described(found.more, camera.id, profile, stored.wall_ms, lambda event: _evidence(stored, after, event))
    return WhatIf(
        basis=Basis.SCORES, before=len(found.before), after=len(found.after), fewer_count=len(found.fewer),
        more_count=len(found.more), fewer=with_kept_alerts(client, fewer), more=with_kept_alerts(client, more),
        level_before=rule_in_force(banks.active, camera, settings).on,
        level_after=_rule_after(banks.active, camera, settings, change).on,
        **_extent(stored, span), **_certainty(stored, by_bank, change, too_low=too_low),
    )  # fmt: skip


def _nothing(camera_id: str, settings: Settings) -> NotFoundError:
    return NotFoundError(
        f"no scores of camera {camera_id} are stored of this time: ask for the last {settings.score_retention_hours:g} "
        "h, or raise PATCHWATCH_SCORE_RETENTION_HOURS"
    )


def _judged_after(
    stored: StoredScores,
    by_bank: dict[str, Bank | None],
    rules: dict[str, EventRule | None],
    change: ScoreChange,
    over: bool,
) -> _Judged:
    """``rules``: those of the change."""
    if isinstance(change, MutedChange):
        known, drivers = _scored_again(stored, by_bank, change.muted)
        return _Judged(known, drivers, replay(known, rules_of(stored, rules), over=over))
    events = replay(stored.known, rules_of(stored, rules), over=over)
    return _Judged(stored.known, [frame.driver for frame in stored.frames], events)


def _rules(by_bank: dict[str, Bank | None], rule_of: Callable[[Bank], EventRule]) -> dict[str, EventRule | None]:
    return {bank_id: None if bank is None else rule_of(bank) for bank_id, bank in by_bank.items()}


def _rule_after(bank: Bank, camera: Camera, settings: Settings, change: ScoreChange) -> EventRule:
    if isinstance(change, BudgetChange):
        budget = {"false_alarms_per_day": change.false_alarms_per_day}
        return rule_in_force(bank, camera.model_copy(update=budget), settings)
    rule = rule_in_force(bank, camera, settings)
    return replace(rule, on=change.on, off=OFF_OF_ON * change.on) if isinstance(change, LevelChange) else rule


def _scored_again(
    stored: StoredScores, by_bank: dict[str, Bank | None], muted: Sequence[AnomalyKind]
) -> tuple[KnownScores, list[str | None]]:
    """The scores with other kinds of anomaly muted, from the rarities of the streams."""
    scores, drivers = np.array(stored.scores), [frame.driver for frame in stored.frames]
    for first, end, bank_id in epochs(stored):
        bank = by_bank[bank_id]
        if bank is None:
            continue
        scorer = FrameScorer(bank)
        scorer.mute(streams_of(muted))
        for n in range(first, end):
            frame = stored.frames[n]
            try:
                score = scorer.score_again(_rarities(bank, stored, n), stored.times_s[n], rejoined=frame.rejoined)
            except ValueError as error:
                raise RejectedError(f"muting cannot be tried on stored scores: {error}") from None
            scores[n], drivers[n] = score
    return replace(stored.known, scores=scores), drivers


def _rarities(bank: Bank, stored: StoredScores, n: int) -> list[float | None]:
    known = {reading.name: reading.rarity for reading in stored.frames[n].streams}
    return [known.get(name) for name in bank.profile.readings]


def _evidence(stored: StoredScores, judged: _Judged, event: Event) -> Evidence:
    """The region is known of the stream that led live."""
    n = judged.known.index_of(event.peak_s)
    frame, stream = stored.frames[n], judged.drivers[n]
    return Evidence(stream, frame.region if frame.driver == stream else None)


def _extent(stored: StoredScores, span: tuple[int, int]) -> dict[str, Any]:
    first, last = (stored.frames[n].captured_ms for n in (0, -1))
    return {
        "from_ms": max(min(first, last), span[0]), "to_ms": max(first, last), "seconds": stored.seconds_since(span[0]),
        "frames": stored.scored,
    }  # fmt: skip


def _certainty(
    stored: StoredScores, by_bank: dict[str, Bank | None], change: ScoreChange, *, too_low: bool
) -> dict[str, Any]:
    """Whether the answer is exact, and if not why."""
    gone = sum(end - first for first, end, bank_id in epochs(stored) if by_bank[bank_id] is None)
    unnamed = sum(not frame.bank_id for frame in stored.frames)
    doubts = {
        f"{gone} scores are of banks that are removed, and are not judged": gone,
        f"{stored.gates_unknown} scores do not tell whether the picture was in transition": stored.gates_unknown,
        f"{unnamed} scores do not tell their bank: the present one is assumed": unnamed,
        f"{stored.unreadable} scores cannot be read, and are left out": stored.unreadable,
        "streams are stored in single precision: scores may differ in the seventh digit": isinstance(
            change, MutedChange
        ),
    }
    notes = [doubt for doubt, holds in doubts.items() if holds]
    if too_low:
        lowest = FLOOR / OFF_OF_ON
        notes.append(f"only the last hours were judged: scores kept for days tell nothing of levels under {lowest:.2f}")
    if stored.cut_short:
        notes.append(f"only the newest {len(stored)} scores were read: ask for a shorter time to see what was before")
    return {"exact": not any(doubts.values()), "notes": tuple(notes)}
