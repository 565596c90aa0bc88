"""Absence from Redis to alert: opened, closed by what comes, by what nobody sees, and by switching it off."""

from __future__ import annotations

from typing import Any

import pytest
from upkeep_site import UpkeepSite

from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.cameras.activity import (
    KEPT_WEEKS,
    NOTHING,
    QUARTER_MS,
    QUARTERS,
    UNKNOWN,
    Absence,
    AbsenceState,
    place_of,
)
from patchwatch.messages.cameras.camera import Camera
from workers.enrolment.upkeep.absence_watch import AbsenceWatch
from workers.runtime.leases import Lease

SOMETHING = 90
NOW_MS = 1_800_000_000_000 // QUARTER_MS * QUARTER_MS + 120_000  # two minutes into a quarter
WEEK, QUARTER = place_of(NOW_MS)  # of the quarter that goes on


class House:
    """A camera before which something moves at all hours of all weeks."""

    def __init__(self, upkeep: UpkeepSite) -> None:
        self.client: Any = upkeep.client
        self.watch = AbsenceWatch(upkeep.client, upkeep.settings)
        self.name = CameraKeys.for_camera("gate", upkeep.settings.partitions).activity
        self.camera = Camera(id="gate", absence_chance=0.01)
        self.rows = {WEEK - n: bytearray([SOMETHING] * QUARTERS) for n in range(7)}
        self.set(slice(QUARTER, QUARTERS), UNKNOWN)

    def set(self, quarters: slice | int, value: int) -> None:
        """Of the present week."""
        places = [quarters] if isinstance(quarters, int) else range(QUARTERS)[quarters]
        for place in places:
            self.rows[WEEK][place] = value

    def judge(self, now_ms: int = NOW_MS) -> Absence | None:
        rows = {str(week): bytes(row) for week, row in self.rows.items()}
        self.client.hset(self.name, mapping=rows)
        lease = Lease(keys.LeaseKeys.for_upkeep(), b"w:1")
        self.client.set(lease.unit.lease, lease.value)
        self.watch.follow(lease, [self.camera], now_ms, lambda _: lambda pipe: True)
        data = self.client.hget(keys.ABSENCES, "gate")
        return Absence.decode(data) if data else None

    @property
    def alerts(self) -> list[Alert]:
        return [Alert.decode(fields[b"a"]) for _, fields in self.client.xrange(keys.ALERTS)]


@pytest.fixture
def house(upkeep: UpkeepSite) -> House:
    return House(upkeep)


def silent(house: House, quarters: int) -> None:
    house.set(slice(QUARTER - quarters, QUARTER), NOTHING)


def test_a_usual_day_is_watched(house: House) -> None:
    judged = house.judge()
    assert judged is not None
    assert (judged.state, judged.chance, judged.weeks, judged.text) == (
        AbsenceState.WATCHING, None, 6, "it watches for absence, and something moves",
    )  # fmt: skip


def test_a_silence_becomes_an_alert_that_says_since_when_and_ends_with_what_comes(house: House) -> None:
    silent(house, 16)
    judged = house.judge()
    assert judged is not None
    assert judged.state is AbsenceState.ABSENT
    assert judged.chance is not None
    assert judged.chance < 0.01
    [opened] = house.alerts
    assert (opened.kind, opened.state) == (AlertKind.ABSENCE, AlertState.OPEN)
    assert NOW_MS - opened.started_at_ms == 16 * QUARTER_MS + 120_000
    assert "by now something nearly always has" in opened.detail
    assert "the last 6 weeks" in opened.detail
    house.judge(NOW_MS + 20_000)
    assert len(house.alerts) == 1, "it is told once"
    house.set(QUARTER, SOMETHING)
    judged = house.judge(NOW_MS + 40_000)
    assert judged is not None
    assert judged.state is AbsenceState.WATCHING
    assert [alert.state for alert in house.alerts] == [AlertState.OPEN, AlertState.CLOSED]
    assert house.alerts[0].id == house.alerts[1].id


def test_what_nobody_sees_is_not_absent(house: House) -> None:
    house.set(slice(QUARTER - 16, QUARTER), UNKNOWN)
    judged = house.judge()
    assert judged is not None
    assert judged.state is AbsenceState.UNSEEN
    assert not house.alerts


def test_a_camera_that_goes_blind_while_something_is_absent_ends_the_alert(house: House) -> None:
    silent(house, 16)
    house.judge()
    house.set(QUARTER, UNKNOWN)
    judged = house.judge(NOW_MS + QUARTER_MS)
    assert judged is not None
    assert judged.state is AbsenceState.UNSEEN
    assert house.alerts[-1].state is AlertState.CLOSED


def test_before_three_weeks_it_learns(house: House) -> None:
    for week in range(WEEK - 6, WEEK - 2):
        del house.rows[week]
    silent(house, 16)
    judged = house.judge()
    assert judged is not None
    assert (judged.state, judged.weeks) == (AbsenceState.LEARNING, 2)
    assert "2 of 3 weeks" in judged.text
    assert not house.alerts


def test_the_last_quarter_is_judged_once_it_can_be_known(house: House) -> None:
    """In the first minute of a quarter the one before may not be written yet."""
    silent(house, 16)
    house.judge()
    just_begun_ms = NOW_MS - 120_000 + QUARTER_MS + 5_000
    judged = house.judge(just_begun_ms)
    assert judged is not None
    assert judged.state is AbsenceState.ABSENT
    assert len(house.alerts) == 1


def test_switching_it_off_ends_the_alert_and_old_weeks_go(house: House) -> None:
    house.rows[WEEK - KEPT_WEEKS] = bytearray(QUARTERS)
    silent(house, 16)
    house.judge()
    assert str(WEEK - KEPT_WEEKS).encode() not in house.client.hkeys(house.name)
    house.camera = Camera(id="gate")
    assert house.judge(NOW_MS + 1000) is None
    assert house.alerts[-1].state is AlertState.CLOSED
