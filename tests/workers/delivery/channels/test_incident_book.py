"""What a channel says and when, by a clock that the test sets."""

from __future__ import annotations

from typing import Any

import pytest

from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.channel import MAX_INCIDENTS, Channel, ChannelProgress, NoticeKind
from patchwatch.messages.alerts.incident import MAX_ALERTS_OF_INCIDENT
from patchwatch.messages.alerts.mute import ALL_CAMERAS, Mute
from patchwatch.messages.alerts.verdict import Verdict
from workers.delivery.channels.incident_book import IncidentBook, StreamEntry

MONDAY_NOON_MS = 1_795_435_200_000  # 2026-11-23, UTC


class Site:
    """A channel that follows a stream of alerts."""

    def __init__(self, mutes: tuple[Mute, ...] = (), **fields: Any) -> None:
        channel = Channel.model_validate({"id": "phone", "url": "ntfy://h/t", **fields})
        self.book = IncidentBook(channel, {mute.id: mute for mute in mutes})
        self.progress = ChannelProgress()
        self.number = 0
        self.sent: list[tuple[str, list[str], float]] = []

    def alert(self, at_s: float, name: str, state: str = "open", **fields: Any) -> None:
        known = {
            "id": name, "camera_id": name.partition("-")[0], "state": state, "started_at_ms": 0, "opened_at_ms": 0,
            "peak_at_ms": 0, "peak_score": 0.9, "threshold": 0.6, "profile": "motion",
            "ended_at_ms": _at(at_s) if state == AlertState.CLOSED else None,
        }  # fmt: skip
        self.fold(at_s, alert=Alert.model_validate(known | fields))

    def fold(self, at_s: float, **fields: Any) -> None:
        self.say(at_s)
        self.number += 1
        entry = StreamEntry(f"{_at(at_s)}-{self.number}", **fields)
        self.progress = self.book.without_the_past(self.book.fold(self.progress, [entry]), _at(at_s))

    def say(self, until_s: float, *, sent: bool = True) -> None:
        """Say what is due before then, as the channel would."""
        while (notice := self.book.next_notice(self.progress)) and notice.due_at_ms < _at(until_s):
            if notice.needed:
                members = [member.alert.id for member in notice.incident.alerts]
                self.sent.append((notice.kind.value, members, (notice.due_at_ms - MONDAY_NOON_MS) / 1000))
            self.progress = self.book.told(self.progress, notice, sent=sent and notice.needed)


def _at(seconds: float) -> int:
    return MONDAY_NOON_MS + round(1000 * seconds)


def test_what_several_cameras_see_within_seconds_is_one_message() -> None:
    site = Site()
    for at_s, name in ((0, "gate-1"), (2, "yard-1"), (4.9, "door-1"), (30, "roof-1")):
        site.alert(at_s, name)
    site.say(100)
    assert site.sent == [("alert", ["gate-1", "yard-1", "door-1"], 5.0), ("alert", ["roof-1"], 35.0)]


def test_an_alert_is_one_message_until_it_closes_and_its_updates_are_counted() -> None:
    site = Site(over=True)
    site.alert(0, "gate-1")
    for at_s in (1, 20, 40):
        site.alert(at_s, "gate-1", told=at_s)
    [incident] = site.progress.incidents
    assert incident.alerts[0].updates == 3
    site.alert(60, "gate-1", "closed", told=3)
    site.say(1000)
    assert [(kind, at_s) for kind, _, at_s in site.sent] == [("alert", 5.0), ("over", 60.0)]
    assert site.progress.incidents == ()


def test_an_end_is_told_of_once_all_of_the_incident_has_ended_and_only_where_wanted() -> None:
    for over, kinds in ((True, ["alert", "over"]), (False, ["alert"])):
        site = Site(over=over)
        site.alert(0, "gate-1")
        site.alert(1, "yard-1")
        site.alert(10, "gate-1", "closed")
        site.say(50)
        assert [kind for kind, *_ in site.sent] == ["alert"]
        site.alert(60, "yard-1", "closed")
        site.say(100)
        assert [kind for kind, *_ in site.sent] == kinds
        assert site.progress.incidents == ()


def test_what_is_over_before_its_message_is_told_of_all_the_same() -> None:
    site = Site()
    site.alert(0, "gate-1")
    site.alert(1, "gate-1", "closed")
    site.say(10)
    assert [kind for kind, *_ in site.sent] == ["alert"]


@pytest.mark.parametrize(("reviewed_at_s", "sent"), [(None, 1), (500, 0), (700, 1)])
def test_an_escalation_comes_when_nobody_has_reviewed_it_in_time(reviewed_at_s: int | None, sent: int) -> None:
    site = Site(after_minutes=10, over=True)
    site.alert(0, "gate-1")
    if reviewed_at_s:
        site.fold(reviewed_at_s, judged="gate-1", verdict=Verdict.NORMAL)
    site.say(601)
    assert [(kind, at_s) for kind, _, at_s in site.sent] == [("alert", 600.0)][:sent]
    site.alert(800, "gate-1", "closed")
    site.say(1000)
    assert [kind for kind, *_ in site.sent] == ["alert", "over"][: 2 * sent], "no end of what was never told of"


def test_a_verdict_that_is_taken_back_does_not_count_and_one_of_two_alerts_is_not_enough() -> None:
    site = Site(after_minutes=10)
    site.alert(0, "gate-1")
    site.fold(10, judged="gate-1", verdict=Verdict.NORMAL)
    site.fold(20, judged="gate-1", verdict=None)
    site.alert(100, "yard-1")
    site.alert(101, "door-1")
    site.fold(110, judged="yard-1", verdict=Verdict.ANOMALY)
    site.say(1000)
    assert [members for _, members, _ in site.sent] == [["gate-1"], ["yard-1", "door-1"]]


def test_an_alert_that_rises_to_the_least_severity_is_told_of_then() -> None:
    site = Site(least_severity="high", window_s=0)
    site.alert(0, "gate-1", peak_score=0.65)
    site.alert(30, "gate-1", peak_score=0.95, told=1)
    site.alert(40, "gate-1", peak_score=0.99, told=2)
    site.alert(50, "yard-1", kind=AlertKind.DRIFT, peak_score=None, threshold=None)
    site.say(100)
    assert [at_s for *_, at_s in site.sent] == [30.0]


def test_filters_and_what_was_open_before_its_time() -> None:
    site = Site(cameras=["gate", "yard"], kinds=["anomaly"], begun_before=["gate-1"])
    site.alert(0, "gate-1", told=4)
    site.alert(1, "roof-1")
    site.alert(2, "gate-2", kind=AlertKind.COVERED)
    site.alert(3, "yard-1", "closed")
    site.say(100)
    assert site.sent == []


def test_of_what_is_muted_nothing_is_said_until_it_rises_after_the_mute() -> None:
    site = Site((Mute(id="gate", until_ms=_at(60)),), window_s=0)
    site.alert(0, "gate-1")
    site.alert(1, "yard-1")
    site.alert(30, "gate-1", told=1)
    assert site.progress.silenced == 1
    site.alert(90, "gate-1", told=2)
    site.say(100)
    assert [members for _, members, _ in site.sent] == [["yard-1"], ["gate-1"]]


def test_a_mute_of_all_that_begins_before_the_message_is_due_stops_it() -> None:
    site = Site(after_minutes=10)
    site.alert(0, "gate-1")
    site.book = IncidentBook(
        Channel(id="p", url="ntfy://h/t", after_minutes=10), {ALL_CAMERAS: Mute(id="*", until_ms=_at(3600))}
    )
    site.say(1000)
    assert site.sent == []
    assert site.progress.incidents[0].silent


@pytest.mark.parametrize(
    ("hours", "zone", "spoken"),
    [
        ({"begin": "11:00", "end": "12:30"}, "UTC", True),
        ({"begin": "11:00", "end": "12:00"}, "UTC", False),
        ({"begin": "12:30", "end": "14:00"}, "Europe/Berlin", True),  # it is 13:00 there
        ({"begin": "22:00", "end": "06:00"}, "UTC", False),
        ({"begin": "22:00", "end": "13:00", "days": ["sun"]}, "UTC", True),  # Sunday's night lasts until then
        ({"begin": "22:00", "end": "13:00", "days": ["mon"]}, "UTC", False),
        ({"days": ["mon"]}, "UTC", True),
        ({"days": ["tue"]}, "UTC", False),
    ],
)
def test_it_speaks_in_its_hours(hours: dict[str, Any], zone: str, spoken: bool) -> None:
    site = Site(hours=hours, time_zone=zone)
    site.alert(0, "gate-1")
    site.say(100)
    assert bool(site.sent) is spoken
    assert site.progress.silenced == (not spoken)


def test_what_a_thousand_cameras_see_stays_bounded_and_is_counted() -> None:
    site = Site()
    for number in range(1000):
        site.alert(0.001 * number, f"c{number}-1")
    site.alert(2, "c999-1", told=1)
    [incident] = site.progress.incidents
    assert len(incident.alerts) == MAX_ALERTS_OF_INCIDENT
    assert len(incident.also) == 200
    for number in range(2 * MAX_INCIDENTS):
        site.book = IncidentBook(Channel(id="p", url="ntfy://h/t", window_s=0, after_minutes=1440), {})
        site.alert(100 + number, f"d{number}-1")
    assert len(site.progress.incidents) == MAX_INCIDENTS
    assert site.progress.forgotten == MAX_INCIDENTS + 1
    assert len(site.progress.encode()) < 200_000


def test_every_entry_counts_as_passed_and_one_that_cannot_be_read_as_unreadable() -> None:
    site = Site()
    site.fold(0, unreadable=True)
    site.fold(1)
    assert (site.progress.passed, site.progress.unreadable) == (2, 1)
    assert NoticeKind.TEST not in {kind for kind, *_ in site.sent}


def test_what_is_for_the_page_alone_is_told_to_nobody_however_it_goes_on() -> None:
    site = Site(window_s=0, over=True)
    site.alert(0, "gate-1", provisional=True, page_only=True)
    site.alert(1, "gate-1", provisional=True, page_only=True, told=1, peak_score=0.99)
    site.alert(2, "gate-1", "closed", provisional=True, page_only=True)
    site.alert(3, "yard-1", provisional=True)
    site.say(100)
    assert site.sent == [("alert", ["yard-1"], 3.0)]
