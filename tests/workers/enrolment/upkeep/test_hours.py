"""Each hour is summed up once: how much was watched, and how much of what was quiet was rare."""

from __future__ import annotations

from typing import Any

import pytest
from upkeep_site import NOON_MS, UpkeepSite

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.cameras.analysis_status import OpenCondition
from patchwatch.messages.cameras.quiet_hour import HOUR_MS, QuietHour
from patchwatch.messages.frames.camera_time import Eras
from patchwatch.messages.frames.score import ScoreMinute
from workers.enrolment.upkeep.hours import HourReader

MINUTE_MS = 60_000
LATER_MS = NOON_MS + HOUR_MS + 3 * MINUTE_MS


def fill(site: UpkeepSite, hour_ms: int = NOON_MS, *, rare_from_minute: int = 50) -> None:
    """A score every five seconds, rare ones from some minute on, and a minute each minute."""
    for second in range(0, 3600, 5):
        site.score(hour_ms + 1000 * second, 1.5 if second >= 60 * rare_from_minute else 0.3)
    for minute in range(60):
        site.minute(hour_ms + minute * MINUTE_MS)


def test_an_hour_holds_what_was_watched_and_how_much_was_rare(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    fill(upkeep)
    upkeep.sum_up(LATER_MS)
    [*_, hour] = upkeep.hours()
    assert hour == QuietHour(hour_ms=NOON_MS, minutes=60, samples=360, rare={"motion": 60}, bank_id="b1")
    assert hour.share("motion") == pytest.approx(1 / 6)


def test_it_is_summed_up_once_and_not_before_it_is_over(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    fill(upkeep)
    upkeep.sum_up(NOON_MS + HOUR_MS + MINUTE_MS)
    assert NOON_MS not in [hour.hour_ms for hour in upkeep.hours()]
    upkeep.sum_up(LATER_MS)
    upkeep.sum_up(LATER_MS + 20_000)
    assert [hour.hour_ms for hour in upkeep.hours()] == [NOON_MS]


def test_what_belongs_to_an_event_or_a_condition_is_not_quiet(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    fill(upkeep)
    upkeep.alert(NOON_MS + 50 * MINUTE_MS, NOON_MS + 55 * MINUTE_MS)
    upkeep.alert(NOON_MS + 55 * MINUTE_MS, NOON_MS + 60 * MINUTE_MS, kind=AlertKind.COVERED)
    upkeep.alert(NOON_MS, NOON_MS + 60 * MINUTE_MS, camera_id="other")
    upkeep.sum_up(LATER_MS)
    hour = upkeep.hours()[-1]
    assert (hour.minutes, hour.rare["motion"]) == (60, 0)
    assert 290 <= hour.samples <= 300


def test_a_condition_that_has_lasted_for_weeks_is_not_quiet_either(upkeep: UpkeepSite) -> None:
    upkeep.camera(condition=OpenCondition(kind=AlertKind.COVERED, since_ms=NOON_MS - 900 * HOUR_MS, detail="dark"))
    fill(upkeep)
    upkeep.sum_up(LATER_MS)
    assert (upkeep.hours()[-1].samples, upkeep.hours()[-1].minutes) == (0, 60)


def test_an_anomaly_that_does_not_end_is_a_changed_scene(upkeep: UpkeepSite) -> None:
    """Else a shelf that stays would never be seen as drift: its own alert would hide it."""
    upkeep.camera()
    fill(upkeep, rare_from_minute=0)
    upkeep.alert(NOON_MS - 5 * HOUR_MS)
    upkeep.sum_up(LATER_MS)
    assert upkeep.hours()[-1].share("motion") == 1.0


def test_an_hour_without_enough_says_nothing(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    upkeep.score(NOON_MS, 1.5)
    upkeep.minute(NOON_MS)
    upkeep.sum_up(LATER_MS)
    hour = upkeep.hours()[-1]
    assert (hour.samples, hour.minutes, hour.share("motion")) == (1, 1, None)


def test_hours_count_from_the_first_that_was_watched(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    upkeep.minute(NOON_MS - HOUR_MS)
    upkeep.sum_up(LATER_MS)
    assert [(hour.hour_ms, hour.minutes) for hour in upkeep.hours()] == [(NOON_MS - HOUR_MS, 1), (NOON_MS, 0)]


def test_hours_of_before_a_camera_was_there_cost_a_question_each(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    upkeep.client.config_resetstat()
    upkeep.sum_up(LATER_MS)
    asked = upkeep.client.info("commandstats")["cmdstat_xrange"]["calls"]
    assert (upkeep.hours(), asked) == ([], upkeep.settings.score_retention_hours)


def test_the_hours_are_those_of_the_wall_clock(upkeep: UpkeepSite) -> None:
    """The camera's own time is an hour ahead of it."""
    eras = Eras()
    eras.begin(1, HOUR_MS)
    upkeep.camera()
    upkeep.client.hset(upkeep.keys_of("cam").state, "eras", eras.encode())
    for second in range(0, 3600, 5):
        at_ms = NOON_MS + 1000 * second
        upkeep.score(at_ms, 0.3)
        fields = upkeep.client.xrange(upkeep.keys_of("cam").scores, f"{at_ms}-0", f"{at_ms}-0")[0][1]
        upkeep.client.xdel(upkeep.keys_of("cam").scores, f"{at_ms}-0")
        upkeep.client.xadd(upkeep.keys_of("own").scores, fields, id=f"{at_ms + HOUR_MS}-0")
    upkeep.hour(NOON_MS - HOUR_MS, 0.1)
    upkeep.client.rename(upkeep.keys_of("own").scores, upkeep.keys_of("cam").scores)
    minute: dict[Any, Any] = dict(ScoreMinute(NOON_MS, 1, 0.1, 0.1).encode())
    upkeep.client.xadd(upkeep.keys_of("cam").minutes, minute, id=f"{NOON_MS + HOUR_MS + 59_000}-0")
    upkeep.sum_up(LATER_MS)
    assert 350 <= upkeep.hours()[-1].samples <= 362


@pytest.mark.parametrize("known_before", [True, False])
def test_hours_of_a_clock_that_was_ahead_do_not_block_the_present(upkeep: UpkeepSite, known_before: bool) -> None:
    upkeep.camera()
    for hours_ahead in (-2, 500, 1000) if known_before else (500, 1000):
        upkeep.hour(NOON_MS + hours_ahead * HOUR_MS, 0.1)
    fill(upkeep)
    upkeep.sum_up(LATER_MS)
    kept = [-2, -1, 0] if known_before else [0]
    assert [hour.hour_ms for hour in upkeep.hours()] == [NOON_MS + n * HOUR_MS for n in kept]


def test_an_unreadable_hour_is_left_out(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    upkeep.hour(NOON_MS - HOUR_MS, 0.1)
    upkeep.client.xadd(upkeep.keys_of("cam").hours, {"h": "{"}, id=f"{NOON_MS}-0")
    assert [hour.hour_ms for hour in upkeep.hours()] == [NOON_MS - HOUR_MS]


def test_they_go_with_the_camera(upkeep: UpkeepSite) -> None:
    assert upkeep.keys_of("cam").hours in upkeep.keys_of("cam").all
    assert keys.CameraKeys.for_camera("cam", 16).hours.endswith(":hours:cam")


def test_at_most_so_many_are_due_as_scores_are_kept(upkeep: UpkeepSite) -> None:
    reader = HourReader(upkeep.client, upkeep.keys_of("cam"))
    assert len(reader.due(LATER_MS, 6.0)) == 6
    assert len(reader.due(LATER_MS, 0.1)) == 1
