"""The site's budget reaches the cameras' configuration: at once where it is changed, by and by where cameras differ."""

from __future__ import annotations

from typing import Any

import pytest
from upkeep_site import DAY_MS, NOON_MS, UpkeepSite

from patchwatch.bus import keys
from patchwatch.contract.errors import LeaseLostError
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.quiet_hour import HOUR_MS


def watched(site: UpkeepSite, camera_id: str, days: int, until_ms: int = NOON_MS) -> None:
    for n in range(24 * days, 0, -1):
        site.hour(until_ms - n * HOUR_MS, 0.1, camera_id)


def alerts(site: UpkeepSite, camera_id: str, count: int, **fields: Any) -> list[str]:
    starts = [NOON_MS - n * HOUR_MS for n in range(count, 0, -1)]
    return [site.alert(at_ms, at_ms + 9000, camera_id, **fields) for at_ms in starts]


def test_it_is_shared_at_once_and_a_camera_with_its_own_keeps_that(upkeep: UpkeepSite) -> None:
    upkeep.camera("a")
    upkeep.camera("b")
    upkeep.camera("own", false_alarms_per_day=4.0)
    upkeep.camera("off", enabled=False)
    upkeep.share(NOON_MS)
    assert upkeep.per_day() == {"a": None, "b": None, "own": None, "off": None}, "nobody has set one"
    upkeep.budget(10.0)
    upkeep.share(NOON_MS)
    assert upkeep.per_day() == {"a": 3.0, "b": 3.0, "own": None, "off": None}
    assert {one.id: one.budget_per_day(7.0) for one in upkeep.cameras().values()} == {
        "a": 3.0, "b": 3.0, "own": 4.0, "off": 7.0,
    }  # fmt: skip


def test_a_changed_budget_and_a_new_camera_are_followed_at_once(upkeep: UpkeepSite) -> None:
    upkeep.camera("a")
    upkeep.budget(6.0)
    upkeep.share(NOON_MS)
    upkeep.camera("b")
    upkeep.share(NOON_MS + 2000)
    assert upkeep.per_day() == {"a": 3.0, "b": 3.0}
    upkeep.budget(2.0)
    upkeep.share(NOON_MS + 4000)
    assert upkeep.per_day() == {"a": 1.0, "b": 1.0}
    upkeep.budget(None)
    upkeep.share(NOON_MS + 6000)
    assert upkeep.per_day() == {"a": None, "b": None}


def test_where_nothing_changes_nothing_is_written(upkeep: UpkeepSite) -> None:
    for name in ("a", "b", "c"):
        upkeep.camera(name)
    upkeep.budget(1.0)
    upkeep.share(NOON_MS)
    looked = upkeep.client.get(keys.CAMERAS_REVISION)
    for n in range(5):
        upkeep.share(NOON_MS + 1000 * n)
    assert upkeep.client.get(keys.CAMERAS_REVISION) == looked == b"1"


def test_a_calm_camera_lends_to_a_lively_one_a_step_a_day(upkeep: UpkeepSite) -> None:
    for name, count in (("calm", 0), ("lively", 20)):
        upkeep.camera(name)
        watched(upkeep, name, 7)
        alerts(upkeep, name, count)
    upkeep.budget(4.0)
    upkeep.share(NOON_MS - DAY_MS)
    assert upkeep.per_day() == {"calm": 2.0, "lively": 2.0}
    upkeep.share(NOON_MS)
    assert upkeep.per_day() == {"calm": 1.6, "lively": 2.4}
    upkeep.share(NOON_MS + HOUR_MS)
    assert upkeep.per_day() == {"calm": 1.6, "lively": 2.4}, "once a day"
    assert {one.id: round(one.budget_per_day(7.0), 3) for one in upkeep.cameras().values()} == {
        "calm": 1.6, "lively": 2.0,
    }, "what it alerts more often than its level says raises the level"  # fmt: skip
    cameras = upkeep.cameras()
    words = {name: camera.allotment.in_words for name, camera in cameras.items() if camera.allotment}
    assert words == {
        "calm": "its share of the site's budget is 2 a day, of which it lends 0.4 to livelier cameras",
        "lively": "its share of the site's budget is 2 a day, and 0.4 is lent by cameras that were calm; its level is "
        "that of 2, because it alerts 1.2 times as often as its level says",
    }


@pytest.mark.parametrize("why", ["confirmed", "provisional", "other kind", "unwatched"])
def test_what_was_right_to_alert_or_says_nothing_makes_no_camera_lively(upkeep: UpkeepSite, why: str) -> None:
    upkeep.camera("calm")
    upkeep.camera("lively")
    told: dict[str, dict[str, Any]] = {"provisional": {"provisional": True}, "other kind": {"kind": "offline"}}
    fields = told.get(why, {})
    found = alerts(upkeep, "lively", 0 if why == "unwatched" else 20, **fields)
    if why == "confirmed":
        upkeep.client.zadd(upkeep.keys_of("lively").reviewed_anomaly, dict.fromkeys(found, NOON_MS))
    if why != "unwatched":
        watched(upkeep, "calm", 7)
        watched(upkeep, "lively", 7)
    upkeep.budget(4.0)
    upkeep.share(NOON_MS - DAY_MS)
    upkeep.share(NOON_MS)
    assert upkeep.per_day() == {"calm": 2.0, "lively": 2.0}


def test_a_redis_that_lost_the_budget_gets_it_back(upkeep: UpkeepSite) -> None:
    upkeep.camera("a")
    upkeep.budget(3.0)
    upkeep.share(NOON_MS)
    upkeep.client.delete(keys.SITE_BUDGET)
    upkeep.share(NOON_MS + 2000)
    assert b'"per_day":3.0' in upkeep.client.get(keys.SITE_BUDGET)
    assert upkeep.per_day() == {"a": 3.0}


def test_an_operators_change_of_the_camera_meanwhile_is_not_lost(upkeep: UpkeepSite) -> None:
    """The record is read again within the transaction."""
    upkeep.camera("a", name="before")
    upkeep.budget(3.0)
    read = upkeep.upkeep._cameras
    once = [True]

    def meanwhile(source: object) -> list[Camera]:
        found = read(source)
        if source is upkeep.client and once:
            once.clear()
            upkeep.camera("a", name="after")
        return found

    upkeep.upkeep._cameras = meanwhile  # type: ignore[method-assign]
    upkeep.share(NOON_MS)
    camera = upkeep.cameras()["a"]
    assert (camera.name, camera.budget_per_day(7.0)) == ("after", 3.0)


def test_a_worker_whose_lease_is_over_writes_nothing(upkeep: UpkeepSite) -> None:
    upkeep.camera("a")
    upkeep.budget(3.0)
    upkeep.client.set(upkeep.lease.unit.lease, "other:2")
    with pytest.raises(LeaseLostError):
        upkeep.share(NOON_MS)
    assert upkeep.per_day() == {"a": None}


def test_an_allotment_is_no_matter_of_the_capture(upkeep: UpkeepSite) -> None:
    upkeep.camera("a")
    before = upkeep.cameras()["a"]
    upkeep.budget(3.0)
    upkeep.share(NOON_MS)
    after = upkeep.cameras()["a"]
    assert after.captures_like(before)
    assert (after.revision, "allotment" in after.public()) == (before.revision, False)
