"""The upkeep is one worker's, runs beside its enrolments, and writes nothing of cameras that are gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from upkeep_site import NOON_MS, UpkeepSite
from waiting import wait_until
from worker_thread import in_thread

from patchwatch.bus import keys
from patchwatch.contract.errors import LeaseLostError
from patchwatch.messages.cameras.quiet_hour import HOUR_MS
from workers.enrolment.upkeep.upkeep import UNIT
from workers.enrolment.worker import EnrolmentWorker

LATER_MS = NOON_MS + HOUR_MS + 180_000


def test_a_worker_does_it_beside_its_enrolments_and_gives_it_back(upkeep: UpkeepSite, tmp_path: Path) -> None:
    upkeep.client.delete(UNIT.lease)
    upkeep.camera()
    upkeep.budget(3.0)
    with in_thread(EnrolmentWorker(upkeep.settings)), in_thread(EnrolmentWorker(upkeep.settings)):
        wait_until(lambda: upkeep.per_day() == {"cam": 3.0}, within_s=30)
        owner = upkeep.client.get(UNIT.lease)
        upkeep.budget(2.0)
        wait_until(lambda: upkeep.per_day() == {"cam": 2.0}, within_s=30)
        assert upkeep.client.get(UNIT.lease) == owner, "it stays with the one that has it"
    assert upkeep.client.get(UNIT.lease) is None


def test_of_a_camera_that_is_removed_meanwhile_nothing_is_written(upkeep: UpkeepSite) -> None:
    upkeep.camera(incarnation="first")
    upkeep.minute(NOON_MS)
    read = upkeep.upkeep._cameras

    def removed(source: object) -> object:
        found = read(source)
        upkeep.client.hdel(keys.CAMERAS, "cam")
        return found

    upkeep.upkeep._cameras = removed  # type: ignore[method-assign, assignment]
    upkeep.sum_up(LATER_MS)
    assert upkeep.hours() == []
    assert upkeep.drift() is None


def test_without_the_lease_nothing_is_done(upkeep: UpkeepSite) -> None:
    upkeep.camera()
    upkeep.minute(NOON_MS)
    upkeep.client.set(UNIT.lease, "other:2")
    with pytest.raises(LeaseLostError):
        upkeep.sum_up(LATER_MS)
    assert upkeep.hours() == []
    upkeep.budget(3.0)
    upkeep.upkeep.poll()
    assert upkeep.per_day() == {"cam": None}, "the thread goes on, and leaves it to the other"
