"""A question is answered once, from what is stored, whatever is damaged of it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from plain_bank import grouped_bank

from models.alarms.event_detector import AlertGate
from models.banks.bank_file import save_bank
from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.frames.score import Region, Score, ScoreGate, ScoreMinute, StreamReading
from patchwatch.messages.what_if import WhatIf, WhatIfAnswer, WhatIfOrder
from workers.analysis.high_scores import FLOOR, HighScores
from workers.enrolment.what_if import score_change, stored_scores
from workers.enrolment.what_if.stored_scores import read_scores
from workers.enrolment.what_if.what_if_orders import WhatIfHandler

START_MS = 1_700_000_000_000
BANK = grouped_bank()
STEP_MS = 200
READINGS = (StreamReading("local", 4.0), StreamReading("global", 0.5), StreamReading("velocity", 4.0))


@pytest.fixture
def keeping(site: Any) -> WhatIfHandler:
    site.camera()
    return WhatIfHandler(site.settings, site.client)


@pytest.fixture
def stored(site: Any) -> Any:
    """200 s of scores: high for 2 s in every 20, and for 2 s at the end of them a little less."""
    save_bank(BANK, site.settings.bank_path("cam", "motion"))
    for n in range(1000):
        put(site, n, score(n, (0.9 if n % 200 < 100 else 0.5) if n % 100 in range(50, 60) else 0.1))
    return site


def score(n: int, value: float, **changes: Any) -> Score:
    made = Score(
        seq=n + 1, captured_at_ns=(START_MS + n * STEP_MS) * 10**6, scored_at_ns=1, raw=value, score=value,
        streams=READINGS, driver="local", region=Region(1, 2, 3, 4), gate=ScoreGate.OPEN, bank_id=BANK.id,
    )  # fmt: skip
    return replace(made, **changes)


def of_camera(site: Any) -> CameraKeys:
    return CameraKeys.for_camera("cam", site.settings.partitions)


def put(site: Any, n: int, made: Score) -> None:
    site.client.xadd(of_camera(site).scores, made.encode(), id=f"{START_MS + n * STEP_MS}-0")


def asked(site: Any, keeping: WhatIfHandler, age_ms: int = 0, camera_id: str = "cam", **change: Any) -> WhatIfAnswer:
    at_ms = time.time_ns() // 1_000_000 - age_ms
    fields = {"camera_id": camera_id, "from_ms": START_MS, "to_ms": at_ms, "asked_at_ms": at_ms, "token": "t"}
    order = WhatIfOrder.model_validate({"change": change or {"change": "level", "on": 0.7}, **fields})
    site.client.rpush(keys.WHAT_IF_ORDERS, order.encode())
    keeping.poll()
    answer = site.client.lpop(keys.what_if_answer("t"))
    assert answer is not None
    return WhatIfAnswer.decode(answer)


def answer_to(site: Any, keeping: WhatIfHandler, **change: Any) -> WhatIf:
    answer = asked(site, keeping, **change)
    assert answer.what_if is not None, answer
    return answer.what_if


def test_a_level_between_the_peaks_leaves_the_higher_ones(stored: Any, keeping: WhatIfHandler) -> None:
    low = answer_to(stored, keeping, change="level", on=0.4)
    high = answer_to(stored, keeping, change="level", on=0.7)
    assert (low.after, high.after) == (10, 5)
    assert high.exact, high.notes
    assert high.frames == 1000
    assert high.seconds == pytest.approx(199.8)
    assert (high.from_ms, high.to_ms) == (START_MS, START_MS + 199_800)
    assert high.level_after == 0.7


def test_alerts_that_are_still_stored_are_named(stored: Any, keeping: WhatIfHandler) -> None:
    began_ms = START_MS + 150 * STEP_MS
    stored.client.set(keys.alert(f"cam-{began_ms}"), b"{}")
    answer = answer_to(stored, keeping, change="level", on=0.95)
    assert answer.after == 0
    assert [event.alert_id for event in answer.fewer if event.alert_id] == [f"cam-{began_ms}"]
    gone = next(event for event in answer.fewer if event.alert_id)
    assert (gone.stream, gone.anomaly, gone.region) == ("local", "thing", Region(1, 2, 3, 4))


def test_what_is_damaged_or_of_an_earlier_version_is_told(stored: Any, keeping: WhatIfHandler) -> None:
    for n, fields in enumerate([{b"s": b"short", b"n": b"x"}, {b"x": b"y"}]):
        stored.client.xadd(of_camera(stored).scores, fields, id=f"{START_MS + (1000 + n) * STEP_MS}-0")
    put(stored, 1002, score(1002, 0.1, gate=None, bank_id=""))
    put(stored, 1003, score(1003, 0.1, bank_id="0123456789ab"))
    answer = answer_to(stored, keeping)
    assert not answer.exact
    assert [note.split()[0] for note in answer.notes] == ["1", "1", "1", "2"]
    assert answer.after == 5, "the others are judged"


def test_of_too_many_scores_the_newest_are_read(
    stored: Any, keeping: WhatIfHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_scores, "_PAGE", 64)
    read = read_scores(stored.client, of_camera(stored), START_MS, START_MS + 10**6, most=300)
    assert (len(read), read.cut_short) == (300, True)
    assert read.frames[-1].captured_ms == START_MS + 999 * STEP_MS
    monkeypatch.setattr(score_change, "read_scores", lambda *args, **options: read)
    answer = answer_to(stored, keeping)
    assert "only the newest 300 scores" in answer.notes[-1]
    assert answer.from_ms == START_MS + 700 * STEP_MS


def test_an_event_that_began_before_the_time_asked_for_is_one_of_it(stored: Any, keeping: WhatIfHandler) -> None:
    from_ms = START_MS + 955 * STEP_MS
    at_ms = time.time_ns() // 1_000_000
    order = WhatIfOrder.model_validate(
        {"token": "t", "camera_id": "cam", "change": {"change": "level", "on": 0.4}, "from_ms": from_ms,
         "to_ms": at_ms, "asked_at_ms": at_ms}
    )  # fmt: skip
    stored.client.rpush(keys.WHAT_IF_ORDERS, order.encode())
    keeping.poll()
    answer = WhatIfAnswer.decode(stored.client.lpop(keys.what_if_answer("t"))).what_if
    assert answer is not None
    assert (answer.after, answer.from_ms) == (1, from_ms)


@pytest.fixture
def days(stored: Any) -> Any:
    """Only the last 40 s are stored whole; of what was before, what an event can hang on, and the minutes."""
    of, high = of_camera(stored), HighScores()
    for n, (entry_id, fields) in enumerate(stored.client.xrange(of.scores)):
        made = Score.decode(fields)
        entry = START_MS + n * STEP_MS, made if n else replace(made, events_began=True)
        if made.score >= FLOOR or not n:
            for at_ms, one in high.keep(entry, AlertGate.OPEN):
                stored.client.xadd(of.high_scores, one.encode(), id=f"{at_ms}-0")
        else:
            high.low = entry
        if n % 300 == 299:
            minute = ScoreMinute((START_MS + n * STEP_MS) // 60_000 * 60_000 - 60_000, 300, 30.0, 0.9)
            stored.client.xadd(of.minutes, minute.encode(), id=entry_id)
    stored.client.xtrim(of.scores, maxlen=200, approximate=False)
    return stored


def test_the_days_before_are_judged_by_what_an_event_can_hang_on(days: Any, keeping: WhatIfHandler) -> None:
    whole = days.client.xlen(of_camera(days).scores)
    kept = days.client.xlen(of_camera(days).high_scores)
    assert (whole, kept) == (200, 111)
    low, high = answer_to(days, keeping, change="level", on=0.4), answer_to(days, keeping, change="level", on=0.7)
    assert (low.after, high.after) == (10, 5)
    assert (high.exact, high.notes) == (True, ())
    assert (high.from_ms, high.to_ms) == (START_MS, START_MS + 199_800)
    assert high.seconds > 150
    assert high.frames > 750
    lower = answer_to(days, keeping, change="level", on=0.25)
    assert (lower.after, lower.from_ms) == (2, START_MS + 800 * STEP_MS)
    assert "levels under 0.30" in lower.notes[-1]


def test_muting_what_leads_leaves_nothing(stored: Any, keeping: WhatIfHandler) -> None:
    answer = answer_to(stored, keeping, change="muted", muted=["thing", "behaviour"])
    assert (answer.after, answer.exact) == (0, False)
    assert answer.notes


def test_without_a_bank_the_answer_says_so(site: Any, keeping: WhatIfHandler) -> None:
    answer = asked(site, keeping, change="level", on=0.5)
    assert (answer.code, "learnt" in answer.detail) == ("not-found", True)


def test_without_scores_the_answer_says_what_to_do(site: Any, keeping: WhatIfHandler) -> None:
    save_bank(BANK, site.settings.bank_path("cam", "motion"))
    answer = asked(site, keeping)
    assert (answer.code, "PATCHWATCH_SCORE_RETENTION_HOURS" in answer.detail) == ("not-found", True)
    assert asked(site, keeping, camera_id="nobody").code == "not-found"


def test_a_question_that_waited_too_long_is_not_answered_any_more(stored: Any, keeping: WhatIfHandler) -> None:
    assert asked(stored, keeping, age_ms=25_000).code == "unavailable"


def test_a_fault_ends_neither_the_thread_nor_the_waiting(
    stored: Any, keeping: WhatIfHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("workers.enrolment.what_if.what_if_orders.what_if_scores", fails)
    assert asked(stored, keeping).code == "error"
    stored.client.rpush(keys.WHAT_IF_ORDERS, b"no order")
    keeping.poll()
    assert not stored.client.exists(keys.WHAT_IF_ORDERS)
