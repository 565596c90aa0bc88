"""A camera whose quiet hours are not as they were learnt has an alert that says what to do, until they are again."""

from __future__ import annotations

from typing import Any

import pytest
from upkeep_site import NOON_MS, UpkeepSite

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.banks.arming import MemoryExtent, MemoryStatus
from patchwatch.messages.cameras.quiet_hour import HOUR_MS

LATER_MS = NOON_MS + HOUR_MS + 180_000


def hours(site: UpkeepSite, *shares: float, bank_id: str = "b1") -> None:
    """The last one is over at noon."""
    for n, share in enumerate(shares, -len(shares)):
        site.hour(NOON_MS + n * HOUR_MS, share, bank_id=bank_id)


def changed_shelf(site: UpkeepSite) -> None:
    hours(site, *[0.1] * 30, *[0.9] * 12)


def remembered(site: UpkeepSite, days: float, **fields: Any) -> None:
    extent = MemoryExtent(seconds=1000, until_ms=round(days * 86_400_000))
    known = {"camera_id": "cam", "profile": "motion", "first_bank_s": 60, "extent": extent, **fields}
    site.client.hset(keys.MEMORIES, "cam", MemoryStatus.model_validate(known).encode())


def test_a_camera_that_stays_as_it_was_has_no_drift(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    hours(upkeep, *[0.1, 0.2, 0.05] * 14)
    upkeep.sum_up(LATER_MS)
    drift = upkeep.drift()
    assert drift is not None
    assert (drift.hours, drift.streams, drift.text, drift.alert) == (42, (), "", None)
    assert upkeep.announced() == []


def test_drift_opens_one_alert_which_says_since_when_what_and_what_to_do(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    changed_shelf(upkeep)
    upkeep.sum_up(LATER_MS)
    [alert] = upkeep.announced()
    since_ms = NOON_MS - 12 * HOUR_MS
    assert (alert.kind, alert.state, alert.started_at_ms, alert.bank_id) == (
        AlertKind.DRIFT, AlertState.OPEN, since_ms, "b1",
    )  # fmt: skip
    assert alert.detail.startswith(
        "look at the camera: since 2027-01-14T20:00:00.000Z how things move is not as it was"
    )
    assert "motion 90%" in alert.detail
    assert "learn it from the live camera with `patchwatch enrolments add cam --live 900" in alert.detail
    assert Alert.decode(upkeep.client.get(keys.alert(alert.id))) == alert
    assert upkeep.client.zscore(keys.ALERTS_BY_TIME, alert.id) == since_ms
    upkeep.sum_up(LATER_MS + HOUR_MS)
    assert len(upkeep.announced()) == 1, "one alert, however long it lasts"


def test_it_closes_with_a_new_bank(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    changed_shelf(upkeep)
    upkeep.sum_up(LATER_MS)
    upkeep.camera(bank_id="b2")
    upkeep.sum_up(LATER_MS + HOUR_MS)
    opened, closed = upkeep.announced()
    assert (closed.id, closed.state, closed.ended_at_ms) == (opened.id, AlertState.CLOSED, LATER_MS + HOUR_MS)
    assert closed.change == "closed"


def test_it_closes_once_the_hours_are_as_before(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    changed_shelf(upkeep)
    upkeep.sum_up(LATER_MS)
    for n in range(1, 10):
        upkeep.hour(NOON_MS + n * HOUR_MS, 0.1)
    upkeep.sum_up(NOON_MS + 11 * HOUR_MS)
    assert [alert.state for alert in upkeep.announced()] == [AlertState.OPEN, AlertState.CLOSED]


def test_it_closes_when_the_camera_is_removed(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    changed_shelf(upkeep)
    upkeep.sum_up(LATER_MS)
    upkeep.client.hdel(keys.CAMERAS, "cam")
    upkeep.sum_up(LATER_MS + 1000)
    assert upkeep.announced()[-1].state is AlertState.CLOSED
    assert upkeep.drift() is None


@pytest.mark.parametrize(
    ("days", "chosen", "drifts"), [(1.0, None, False), (9.0, None, False), (11.0, None, True), (1.0, "b1", True)]
)
def test_until_a_camera_has_learnt_a_week_what_is_new_is_no_drift(
    upkeep: UpkeepSite, days: float, chosen: str | None, drifts: bool
) -> None:
    upkeep.camera(self_arm=True)
    remembered(upkeep, days, chosen=chosen)
    changed_shelf(upkeep)
    upkeep.sum_up(LATER_MS)
    assert bool(upkeep.announced()) is drifts
    if drifts and not chosen:
        assert "it learns that by itself within a week" in upkeep.announced()[0].detail


def test_a_muted_kind_does_not_drift(upkeep: UpkeepSite) -> None:
    upkeep.camera(muted=["behaviour"])
    changed_shelf(upkeep)
    upkeep.sum_up(LATER_MS)
    assert upkeep.announced() == []


def test_hours_of_another_bank_and_of_both_do_not_count(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    for n in range(40, 1, -1):
        upkeep.hour(NOON_MS - n * HOUR_MS, 0.9, bank_id="old")
    upkeep.hour(NOON_MS - HOUR_MS, 0.9)
    upkeep.sum_up(LATER_MS)
    drift = upkeep.drift()
    assert drift is not None
    assert (drift.hours, upkeep.announced()) == (1, []), "noon itself, without a score"


def test_a_camera_of_an_unknown_profile_is_left_alone(upkeep: UpkeepSite) -> None:
    upkeep.camera(profile="gone")
    changed_shelf(upkeep)
    upkeep.sum_up(LATER_MS)
    assert upkeep.drift() is None
