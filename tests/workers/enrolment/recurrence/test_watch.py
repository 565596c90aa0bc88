"""Three alike alerts on three days become a correction, once, over restarts, and never against an operator's word."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from events import DAY_MS, seen, stretch_of
from plain_stream import PICTURE, PlainStream, features_at

from models.banks.additions import Additions
from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import save_bank
from models.banks.hours import Hours
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.memory.event_footage import AROUND_MS
from models.memory.recurrence import Occurrence
from models.memory.store import MemoryStore
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec
from patchwatch.bus import keys
from patchwatch.bus.corrections import change_corrections, decoded
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.alerts.verdict import AlertVerdicts, Statement, Verdict
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import CameraCorrections, Correction, CorrectionKind
from workers.enrolment.recurrence.admission import BY, EVERY_MS, LASTS_MS
from workers.enrolment.recurrence.watch import SETTLED_MS, RecurrenceWatch
from workers.inference.corrections.addition_maker import AdditionOrder, make_additions

CLEANER, STRANGER = (9.0,), (-7.0,)
A_LITTLE_MORE = (*CLEANER, 2.0)  # with a person who is nearly usual
KINDS = (StreamKind.LOCAL, StreamKind.GLOBAL)


@pytest.fixture(scope="module")
def bank() -> Bank:
    streams = (StreamSpec("local", StreamKind.LOCAL, 0.7), StreamSpec("global", StreamKind.GLOBAL, 0.3))
    builder = BankBuilder(
        Profile("small", Fusion.CALIBRATED, streams), [PlainStream("local"), PlainStream("global")], {"networks": {}}
    )
    noise = np.random.default_rng(11)
    for n in range(500):
        persons = () if n % 3 == 0 else (0.0, 1.0)
        builder.add(n / 5, (features_at(*persons, noise=noise), features_at(5.0, noise=noise)), PICTURE)
    return builder.build(["normal.mp4"])


class House:
    """A camera with this bank, and what alerted there on some days before now."""

    def __init__(self, site: Any, bank: Bank) -> None:
        self.site, self.bank = site, bank
        site.camera()
        path = site.settings.bank_path("cam", "motion")
        path.parent.mkdir(parents=True, exist_ok=True)
        save_bank(bank, path)
        self.memory = MemoryStore(site.settings.memory_path("cam", "motion"), 64)
        self.now_ms = round(time.time() * 1000)
        self.watch = RecurrenceWatch(site.settings, site.client)
        self.additions: Additions | None = None

    def alert(
        self, days_ago: int, look: Sequence[float] = CLEANER, verdict: Verdict | None = None, remembered: bool = True
    ) -> str:
        """It closed that long and two minutes ago. The id of the alert."""
        started_ms = self.now_ms - days_ago * DAY_MS - 2 * SETTLED_MS - 4000
        one = Occurrence(f"cam-{started_ms}", started_ms, started_ms + 4000)
        if remembered:
            identity = stretch_identity(self.bank.profile, self.bank.identity, self.bank.view)
            self.memory.append(stretch_of(one, look, identity, KINDS, seed=days_ago))
        alert = Alert(
            version=1, id=one.id, camera_id="cam", state=AlertState.CLOSED, started_at_ms=started_ms,
            opened_at_ms=started_ms + 200, peak_at_ms=started_ms + 400, ended_at_ms=one.ended_ms, peak_score=0.9,
            threshold=0.6, profile="motion",
        )  # fmt: skip
        self.site.client.set(keys.alert(one.id), alert.encode())
        self.site.client.zadd(keys.ALERTS_BY_TIME, {one.id: started_ms})
        if verdict is not None:
            self.judge(one.id, verdict)
        return one.id

    def judge(self, alert_id: str, verdict: Verdict) -> None:
        said = AlertVerdicts().followed_by(Statement(verdict=verdict, by="operator", at_ms=self.now_ms))
        self.site.client.set(keys.alert_verdicts(alert_id), said.encode())

    def correct(self, **fields: Any) -> None:
        known = {"id": "0" * 16, "by": "operator", "at_ms": self.now_ms} | fields
        correction = Correction.model_validate(known)
        change_corrections(self.site.client, "cam", lambda before: before.with_one(correction))

    def pass_time_since_admission(self, ms: int) -> None:
        """As if all corrections had been made so much earlier."""

        def earlier(before: CameraCorrections) -> CameraCorrections:
            moved = [one.model_copy(update={"at_ms": one.at_ms - ms}) for one in before.corrections]
            return before.model_copy(update={"corrections": tuple(moved)})

        change_corrections(self.site.client, "cam", earlier)

    def undo(self, correction_id: str, by: str = "operator") -> None:
        change_corrections(self.site.client, "cam", lambda before: before.undone(correction_id, by, self.now_ms))

    def use_corrections(self) -> None:
        """As the inference worker does."""
        stored = decoded("cam", self.site.client.hget(keys.CORRECTIONS, "cam"))
        folder = self.site.settings.memory_path("cam", "motion")
        order = AdditionOrder("cam", self.bank, self.bank.identity, self.bank.profile, folder, stored)
        made = make_additions(replace(order, now_ms=self.now_ms), 64)
        assert not made.waiting
        self.additions = made.additions

    def tonight(self, look: Sequence[float], at_ms: int) -> list[FrameScore]:
        """How this is scored at that time."""
        scorer = FrameScorer(self.bank)
        scorer.use_additions(self.additions)
        return [scorer.score(pair, n / 5, wall_ms=at_ms) for n, pair in enumerate(seen(look, seed=99))]

    @property
    def corrections(self) -> tuple[Correction, ...]:
        return decoded("cam", self.site.client.hget(keys.CORRECTIONS, "cam")).corrections


@pytest.fixture
def house(site: Any, bank: Bank) -> House:
    return House(site, bank)


def test_three_nights_become_a_correction_that_says_what_it_does(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [house.alert(days_ago) for days_ago in (2, 1, 0)]
    with caplog.at_level(logging.WARNING):
        house.watch.poll()
    [correction] = house.corrections
    assert (correction.kind, correction.by, correction.in_force) == (CorrectionKind.RECURRING, BY, True)
    assert correction.alert_ids == tuple(ids)
    assert correction.hours is not None
    hours = Hours(correction.hours.from_minute, correction.hours.minutes, correction.hours.weekday)
    assert all(hours.contains(span.from_ms) and hours.contains(span.until_ms) for span in correction.spans)
    assert correction.hours.minutes <= 2 * 30 + 1 + 60
    assert [span.until_ms - span.from_ms for span in correction.spans] == [4000 + 2 * AROUND_MS] * 3
    assert correction.note.startswith("recurs on 3 days: is normal at ")
    assert "take it back with `patchwatch cameras undo cam" in caplog.text


def test_from_then_on_she_is_silent_at_her_hour_until_it_is_taken_back(house: House) -> None:
    for days_ago in (2, 1, 0):
        house.alert(days_ago)
    house.watch.poll()
    tonight_ms = house.now_ms + DAY_MS - 2 * SETTLED_MS
    untouched = house.tonight(CLEANER, tonight_ms)
    house.use_corrections()
    at_three = tonight_ms + 5 * 3_600_000
    assert not any(score.event_open for score in house.tonight(CLEANER, tonight_ms))
    assert [one.score for one in house.tonight(CLEANER, at_three)] == [one.score for one in untouched]
    assert any(score.event_open for score in house.tonight(STRANGER, tonight_ms))
    house.undo(house.corrections[0].id)
    house.use_corrections()
    assert house.tonight(CLEANER, tonight_ms) == untouched
    assert any(score.event_open for score in untouched)


def test_two_nights_do_not_and_a_restart_before_the_third_loses_nothing(house: House) -> None:
    house.alert(2)
    house.alert(1)
    house.watch.poll()
    assert house.corrections == ()
    house.alert(0)
    RecurrenceWatch(house.site.settings, house.site.client).poll()
    assert len(house.corrections) == 1


def test_what_recurs_with_a_little_more_alerts_once_and_takes_its_place(house: House) -> None:
    ids = [house.alert(days_ago) for days_ago in (3, 2, 1)]
    house.watch.poll()
    house.pass_time_since_admission(DAY_MS)
    ids.append(house.alert(0, A_LITTLE_MORE))
    tonight_ms = house.now_ms + DAY_MS - 2 * SETTLED_MS
    house.use_corrections()
    assert any(score.event_open for score in house.tonight(A_LITTLE_MORE, tonight_ms))
    house.watch.poll()
    replaced, grown = house.corrections
    assert (replaced.in_force, replaced.undone_by) == (False, BY)
    assert (grown.in_force, grown.alert_ids, grown.hours) == (True, tuple(ids), replaced.hours)
    assert grown.note.startswith("recurs on 4 days, on the last of them with a little more: is normal at ")
    house.use_corrections()
    assert not any(score.event_open for score in house.tonight(A_LITTLE_MORE, tonight_ms))
    house.undo(grown.id)
    house.use_corrections()
    assert any(score.event_open for score in house.tonight(CLEANER, tonight_ms)), "one undo takes back all of it"


def test_it_is_admitted_once_whoever_looks_again(house: House) -> None:
    for days_ago in (2, 1, 0):
        house.alert(days_ago)
    other = RecurrenceWatch(house.site.settings, house.site.client)
    for watch in (house.watch, other, house.watch, RecurrenceWatch(house.site.settings, house.site.client)):
        watch.poll()
    assert len(house.corrections) == 1


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_an_operator_judged_does_not_count(house: House, verdict: Verdict) -> None:
    house.alert(2)
    house.alert(1, verdict=verdict)
    house.alert(0)
    house.watch.poll()
    assert house.corrections == ()


def test_a_real_anomaly_blocks_its_hour_even_where_its_alert_is_not_among_them(house: House) -> None:
    """An attacker who was called one last week comes three more times, and looks a little different."""
    for days_ago in (2, 1, 0):
        house.alert(days_ago)
    last_week_ms = house.now_ms - 7 * DAY_MS
    spans = [{"from_ms": last_week_ms, "until_ms": last_week_ms + 10_000}]
    house.correct(kind=CorrectionKind.ANOMALY, spans=spans, alert_ids=["cam-1"])
    house.watch.poll()
    assert [one.kind for one in house.corrections] == [CorrectionKind.ANOMALY]


def test_what_was_taken_back_is_not_admitted_again_at_its_hour(house: House) -> None:
    for days_ago in (4, 3, 2):
        house.alert(days_ago)
    hours = {"from_minute": 0, "minutes": 1440}
    spans = [{"from_ms": house.now_ms - 9 * DAY_MS, "until_ms": house.now_ms - 9 * DAY_MS}]
    house.correct(kind=CorrectionKind.RECURRING, by=BY, spans=spans, hours=hours, at_ms=house.now_ms - 2 * DAY_MS)
    house.undo("0" * 16)
    house.alert(0)
    house.watch.poll()
    assert [one.in_force for one in house.corrections] == [False]


def test_one_that_is_over_after_three_months_may_recur_again(house: House) -> None:
    for days_ago in (2, 1, 0):
        house.alert(days_ago)
    spans = [{"from_ms": house.now_ms - LASTS_MS, "until_ms": house.now_ms - LASTS_MS}]
    hours = {"from_minute": 0, "minutes": 1440}
    house.correct(kind=CorrectionKind.RECURRING, by=BY, spans=spans, hours=hours, at_ms=house.now_ms - LASTS_MS - 1000)
    house.watch.poll()
    assert [(one.in_force, one.undone_by) for one in house.corrections] == [(False, BY), (True, None)]


def test_of_a_camera_that_does_not_learn_by_itself_nothing_recurs(house: House) -> None:
    camera = Camera(id="cam", self_arm=False)
    house.site.client.hset(keys.CAMERAS, "cam", camera.encode())
    for days_ago in (2, 1, 0):
        house.alert(days_ago)
    house.watch.poll()
    assert house.corrections == ()


def test_looks_that_differ_or_are_not_remembered_are_no_recurrence(house: House) -> None:
    house.alert(3, CLEANER)
    house.alert(2, STRANGER)
    house.alert(1, CLEANER, remembered=False)
    house.alert(0, CLEANER)
    house.watch.poll()
    assert house.corrections == ()


def test_an_alert_that_has_just_closed_waits_until_its_frames_are_on_disk(house: House) -> None:
    house.now_ms += SETTLED_MS + 30_000
    for days_ago in (2, 1, 0):
        house.alert(days_ago)
    house.watch.poll()
    assert house.corrections == ()
    assert [len(waiting) for waiting in house.watch._waiting.values()] == [1]


def test_a_bank_that_cannot_be_read_ends_nothing(house: House) -> None:
    house.site.settings.bank_path("cam", "motion").write_bytes(b"none")
    for days_ago in (2, 1, 0):
        house.alert(days_ago)
    house.watch.poll()
    assert house.corrections == ()


def test_memory_of_other_networks_is_not_compared(house: House, bank: Bank) -> None:
    house.bank = replace(bank, profile=replace(bank.profile, name="other"), identity={"networks": {"backbone": "x"}})
    for days_ago in (2, 1, 0):
        house.alert(days_ago)
    house.watch.poll()
    assert house.corrections == ()


def test_a_verdict_that_cannot_be_read_still_counts_as_one(house: House) -> None:
    ids = [house.alert(days_ago) for days_ago in (2, 1, 0)]
    house.site.client.set(keys.alert_verdicts(ids[0]), b"rubbish")
    house.watch.poll()
    assert house.corrections == ()


def test_what_recurs_on_the_day_of_another_is_admitted_when_that_day_is_over(house: House) -> None:
    """A cleaner whose third night is the day on which the delivery became normal does not have to come a fourth time
    for it."""
    earlier = {"id": "0" * 16, "kind": CorrectionKind.RECURRING, "by": BY}
    spans, hours = [{"from_ms": 1, "until_ms": 2}], {"from_minute": 0, "minutes": 1}
    house.correct(**earlier, spans=spans, hours=hours, at_ms=house.now_ms - 60_000)
    for days_ago in (2, 1, 0):
        house.alert(days_ago)
    house.watch.poll()
    assert [one.id for one in house.corrections] == [earlier["id"]]
    house.pass_time_since_admission(EVERY_MS)
    house.watch.poll()
    assert [(one.kind, one.in_force) for one in house.corrections] == [(CorrectionKind.RECURRING, True)] * 2
