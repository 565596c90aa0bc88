"""One alert about what changed, which closes when it is learnt; an operator's word comes before."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from still_scene import bank, stretch

from models.banks.bank_file import save_bank
from models.memory.store import MemoryStore
from patchwatch.bus import keys
from patchwatch.bus.corrections import change_corrections, decoded
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.verdict import ALERT_FIELD
from patchwatch.messages.banks.arming import MemoryStatus
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import Correction, CorrectionKind, Span
from patchwatch.messages.cameras.lasting_change import PendingChange
from workers.enrolment.lasting.watch import LastingWatch
from workers.enrolment.upkeep.upkeep import UNIT

MINUTE_MS = 60_000


class Place:
    """A camera that was learnt, and what it has seen in the last hour."""

    def __init__(self, site: Any) -> None:
        self.client = site.client
        self.settings = site.settings
        self.client.set(UNIT.lease, "w:1")
        self.client.set(UNIT.fence, 1)
        self.client.hset(keys.CAMERAS, "cam", Camera(id="cam", profile="still").encode())
        path = self.settings.bank_path("cam", "still")
        path.parent.mkdir(parents=True, exist_ok=True)
        save_bank(bank(), path)
        seconds, micros = self.client.time()
        self.now_ms = seconds * 1000 + micros // 1000
        self.memory = MemoryStore(self.settings.memory_path("cam", "still"), 64)
        self.watch = LastingWatch(self.settings, self.client, UNIT, lambda: b"w:1")

    def seen(self, *minutes_ago: float, **what: Any) -> None:
        folder = self.settings.memory_path("cam", "still")
        before_ns = folder.stat().st_mtime_ns if folder.exists() else 0
        for minutes in minutes_ago:
            self.memory.append(stretch(round(self.now_ms - minutes * MINUTE_MS), **what))
        while folder.stat().st_mtime_ns == before_ns:  # the clock of files goes in steps, and late on a busy machine
            time.sleep(0.001)
            os.utime(folder)

    def look(self) -> list[Alert]:
        """What subscribers were told of, as long as there are any."""
        self.watch.poll()
        entries = self.client.xrange(keys.ALERTS)
        return [Alert.decode(fields[ALERT_FIELD]) for _, fields in entries if ALERT_FIELD in fields]

    def an_hour_passes(self) -> None:
        """With the alert open."""
        pending = PendingChange.decode(self.client.hget(keys.LASTING_CHANGES, "cam"))
        assert pending.alert is not None
        alert = pending.alert.model_copy(update={"opened_at_ms": pending.alert.opened_at_ms - 60 * MINUTE_MS})
        self.client.hset(keys.LASTING_CHANGES, "cam", pending.model_copy(update={"alert": alert}).encode())

    @property
    def corrections(self) -> tuple[Correction, ...]:
        return decoded("cam", self.client.hget(keys.CORRECTIONS, "cam")).corrections

    def reject(self, minutes_ago: float) -> None:
        at_ms = round(self.now_ms - minutes_ago * MINUTE_MS)
        said = Correction(
            id="f" * 16, kind=CorrectionKind.ANOMALY, spans=(Span(from_ms=at_ms, until_ms=at_ms + 20_000),),
            by="operator", at_ms=self.now_ms,
        )  # fmt: skip
        change_corrections(self.client, "cam", lambda before: before.with_one(said))


@pytest.fixture
def place(site: Any) -> Place:
    made = Place(site)
    made.seen(120, 110, 100)
    return made


def test_a_new_shelf_is_one_alert_that_closes_when_it_is_learnt(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.seen(70, 50, shelf=True)
    [opened] = place.look()
    assert (opened.kind, opened.state) == (AlertKind.LASTING_CHANGE, AlertState.OPEN)
    assert opened.started_at_ms == round(place.now_ms - 70 * MINUTE_MS)
    assert "at the bottom on the right of the picture something came, went or was moved" in opened.detail
    assert f"patchwatch alerts confirm {opened.id}" in opened.detail
    assert len(place.look()) == 1
    place.an_hour_passes()
    place.seen(30, 5, shelf=True)
    with caplog.at_level(logging.WARNING):
        _, closed = place.look()
    assert (closed.id, closed.state) == (opened.id, AlertState.CLOSED)
    [learnt] = place.corrections
    assert (learnt.kind, learnt.alert_ids) == (CorrectionKind.LASTING, (opened.id,))
    assert f"patchwatch cameras undo cam {learnt.id}" in closed.detail
    assert closed.detail in caplog.text
    assert place.client.hlen(keys.LASTING_CHANGES) == 0
    assert len(place.look()) == 2
    assert len(place.corrections) == 1, "the new bank is not there yet"


def test_what_is_over_before_closes_its_alert_and_nothing_is_learnt(place: Place) -> None:
    place.seen(70, 50, shelf=True)
    place.look()
    place.seen(5)
    _, closed = place.look()
    assert (closed.state, closed.detail) == (AlertState.CLOSED, "the scene is as it was")
    assert list(place.corrections) == []


def test_one_verdict_anomaly_keeps_it_from_being_learnt_as_long_as_it_stays(place: Place) -> None:
    place.seen(70, 50, shelf=True)
    place.look()
    place.reject(50)
    place.seen(30, 5, shelf=True)
    _, closed = place.look()
    assert closed.state is AlertState.CLOSED
    assert "an operator's word" in closed.detail
    place.seen(1, shelf=True)
    assert len(place.look()) == 2, "nobody is told again"
    assert [one.kind for one in place.corrections] == [CorrectionKind.ANOMALY]


def test_what_an_operator_took_back_is_not_learnt_again(place: Place) -> None:
    place.seen(70, 50, 30, 5, shelf=True)
    assert [one.state for one in place.look()] == [AlertState.OPEN], "found late, and shown all the same"
    assert list(place.corrections) == []
    place.an_hour_passes()
    place.seen(2, shelf=True)
    assert [one.state for one in place.look()] == [AlertState.OPEN, AlertState.CLOSED]
    [learnt] = place.corrections
    change_corrections(
        place.client, "cam", lambda before: before.undone(learnt.id, "operator", place.now_ms - 80 * MINUTE_MS)
    )
    place.seen(1, shelf=True)
    place.look()
    assert [one.in_force for one in place.corrections] == [False]


def _removed(place: Place) -> None:
    place.client.hdel(keys.CAMERAS, "cam")


def _other(place: Place) -> None:
    place.client.set(UNIT.lease, "w:2")


def _chosen(place: Place) -> None:
    status = MemoryStatus(camera_id="cam", profile="still", first_bank_s=60.0, chosen="0" * 12)
    place.client.hset(keys.MEMORIES, "cam", status.encode())


@pytest.mark.parametrize("change", [_removed, _other, _chosen])
def test_nothing_is_learnt_of_others_cameras_or_beside_a_bank_that_an_operator_chose(
    place: Place, change: Callable[[Place], None]
) -> None:
    place.seen(70, 50, 30, shelf=True)
    place.look()
    place.an_hour_passes()
    place.seen(5, shelf=True)
    change(place)
    place.look()
    assert list(place.corrections) == []


def test_the_revision_of_what_was_said_is_asked_for_once_for_all_cameras(place: Place) -> None:
    for number in range(3):
        camera = Camera(id=f"cam{number}", profile="still")
        place.client.hset(keys.CAMERAS, camera.id, camera.encode())
        place.settings.memory_path(camera.id, "still").mkdir(parents=True)
    place.look()
    before = place.client.info("commandstats")["cmdstat_get"]["calls"]
    place.look()
    assert place.client.info("commandstats")["cmdstat_get"]["calls"] - before == 1
