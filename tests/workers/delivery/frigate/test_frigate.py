"""Alerts become events of a Frigate: each once, for as long as it lasts, whatever Frigate answers and whoever stops."""

from __future__ import annotations

import time
from typing import Any

import pytest
from frigate_site import CreateBody, Event, FrigateSite, frigate_site
from receiver import answer, receiving

from patchwatch.bus import keys
from patchwatch.bus.keys import ChannelKeys
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.channel import ChannelProgress, NoticeKind, NoticeOutcome
from patchwatch.messages.alerts.frigate import FrigateEvent, FrigateProgress
from patchwatch.messages.alerts.mute import Mute
from patchwatch.messages.alerts.webhook import TrialResult
from patchwatch.messages.cameras.camera import Camera

PASSWORD = "hunter2-of-the-nvr"
USERS = {"patchwatch": (PASSWORD, "admin"), "guest": (PASSWORD, "viewer")}
LOGIN = f"patchwatch:{PASSWORD}@"


def ended(world: Any, number: int, seconds_ago: float = 0.0, lasted_s: float = 7.0, **fields: Any) -> str:
    """The alert has closed: its entry on the stream, and its record."""
    now_ms = round(1000 * (time.time() - seconds_ago))
    times = {"started_at_ms": now_ms - round(1000 * lasted_s), "ended_at_ms": now_ms, "told": 1}
    entry_id: str = world.alert(number, state=AlertState.CLOSED, **times, **fields)
    [(_, row)] = world.bus.xrange(keys.ALERTS, entry_id, entry_id)
    world.bus.set(keys.alert(Alert.decode(row[b"a"]).id), row[b"a"])
    return entry_id


def outcomes(world: Any) -> list[tuple[NoticeKind, NoticeOutcome]]:
    return [(record.notice, record.outcome) for record in world.log()]


async def test_an_event_begins_and_ends_with_its_alert_over_a_change_of_workers(
    world: Any, running: Any, eventually: Any
) -> None:
    world.bus.hset(keys.CAMERAS, "yard", Camera(id="yard", name="front_yard").encode())
    async with frigate_site() as site:
        world.channel(site.url())
        async with running():
            world.alert(1, camera_id="yard", anomaly="behaviour")
            await eventually(lambda: len(world.told().frigate.events) == 1)
        world.alert(1, camera_id="yard", told=1, peak_score=0.99)
        ended(world, 1, camera_id="yard")
        async with running():
            await eventually(lambda: world.told().passed == 3)
    [event] = site.events
    assert (event.camera, event.label, event.ends) == ("front_yard", "anomaly", 1)
    body = event.body
    assert (body.sub_label, body.score, body.duration, body.include_recording) == ("unusual behaviour", 0.9, None, True)
    assert outcomes(world) == [("alert", "sent"), ("over", "sent")]
    assert [record.alert_ids for record in world.log()] == [("yard-1",), ("yard-1",)]
    assert world.log()[0].title == f"anomaly at front_yard: {event.id}"
    assert world.told().delivered == 2


async def test_an_event_whose_answer_was_lost_is_not_made_twice(world: Any, running: Any, eventually: Any) -> None:
    async with frigate_site(lost=1) as site, running():
        world.channel(site.url())
        world.alert(1, kind=AlertKind.OFFLINE, peak_score=None, threshold=None)
        await eventually(lambda: world.told().delivered == 1)
        ended(world, 1, kind=AlertKind.OFFLINE, peak_score=None, threshold=None)
        await eventually(lambda: world.told().delivered == 2)
        world.alert(2, kind=AlertKind.OFFLINE, peak_score=None, threshold=None)  # another one of the same label
        await eventually(lambda: world.told().delivered == 3)
    assert [(event.label, event.ends) for event in site.events] == [("offline", 1), ("offline", 0)]
    assert outcomes(world)[:2] == [("alert", "failed"), ("alert", "sent")]


async def test_what_frigate_missed_is_told_while_it_lies_where_it_was(
    world: Any, running: Any, eventually: Any
) -> None:
    """Frigate dates an event by when it is made."""
    async with frigate_site() as site:
        world.channel(site.url())
        await site.stop()
        async with running(webhook_retry_max_s=0.02):
            for number in (1, 2, 3):
                world.alert(number)
            ended(world, 1, seconds_ago=600)
            ended(world, 2, seconds_ago=1)
            world.alert(2, told=1)  # as it might be read from a stream that was written out of order
            await eventually(lambda: world.told().failed >= 1)
            await site.start()
            await eventually(lambda: world.told().passed == 6)
        assert [event.body.duration for event in site.events] == [7, None]
    assert world.told().dead == 1
    assert [record.answer for record in world.log() if record.outcome is NoticeOutcome.GIVEN_UP] == [
        "too late: it was over for minutes"
    ]


async def test_an_end_that_left_the_stream_unheard_is_told_all_the_same(
    world: Any, running: Any, eventually: Any
) -> None:
    async with frigate_site(clock_ahead_s=3600.0) as site:
        world.channel(site.url())
        async with running():
            world.alert(1)
            await eventually(lambda: len(world.told().frigate.events) == 1)
        world.bus.xdel(keys.ALERTS, ended(world, 1, seconds_ago=90))
        async with running():
            await eventually(lambda: site.events[0].ends == 1)
            await eventually(lambda: world.told().frigate.events == ())
    assert site.events[0].end_time is not None
    assert site.events[0].end_time >= site.events[0].start_time


async def test_an_event_that_is_not_written_yet_is_ended_later(world: Any, running: Any, eventually: Any) -> None:
    async with frigate_site() as site, running():
        world.channel(site.url())
        world.alert(1)
        await eventually(lambda: world.told().delivered == 1)
        site.unwritten = 1
        ended(world, 1)
        await eventually(lambda: world.told().delivered == 2)
    assert outcomes(world) == [("alert", "sent"), ("over", "failed"), ("over", "sent")]
    assert site.events[0].ends == 1


async def test_an_event_that_was_removed_at_frigate_is_let_be(world: Any, running: Any, eventually: Any) -> None:
    async with frigate_site() as site:
        world.channel(site.url())
        event = FrigateEvent(alert_id="gate-1", camera_id="gate", event_id="1.5-gone", created_at_ms=1)
        progress = ChannelProgress(frigate=FrigateProgress(events=(event,)))
        world.bus.set(ChannelKeys("phone").progress, progress.encode())
        async with running():
            ended(world, 1)
            await eventually(lambda: world.told().passed == 1)
    assert outcomes(world) == [("over", "not_needed")]
    assert (world.told().frigate.events, world.told().delivered, world.told().dead) == ((), 0, 0)


async def test_an_event_does_not_last_for_days(world: Any, running: Any, eventually: Any) -> None:
    entry_id = world.alert(1, kind=AlertKind.DRIFT, peak_score=None, threshold=None)
    [(_, row)] = world.bus.xrange(keys.ALERTS, entry_id, entry_id)
    world.bus.set(keys.alert("gate-1"), row[b"a"])  # it is still open
    async with frigate_site() as site:
        site.events.append(Event("1.5-old", "gate", "drift", 1.5, CreateBody(duration=None)))
        world.channel(site.url())
        event = FrigateEvent(alert_id="gate-1", camera_id="gate", event_id="1.5-old", created_at_ms=1500)
        progress = ChannelProgress(frigate=FrigateProgress(events=(event,)))
        world.bus.set(ChannelKeys("phone").progress, progress.encode())
        async with running():
            await eventually(lambda: world.told().passed == 1)
    assert [(event.id, event.ends) for event in site.events] == [("1.5-old", 1)]


async def test_a_login_is_renewed_when_it_is_over(world: Any, running: Any, eventually: Any) -> None:
    async with frigate_site(users=USERS) as site, running():
        world.channel(site.url(LOGIN))
        world.alert(1)
        await eventually(lambda: world.told().delivered == 1)
        site.sessions.clear()
        ended(world, 1)
        await eventually(lambda: world.told().delivered == 2)
    assert [request.path for request in site.requests].count("/api/login") == 2
    assert site.events[0].ends == 1


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        ("", "Frigate asks for a login: put user and password into the address"),
        ("patchwatch:wrong-hunter2@", "Frigate refuses the user or the password of the channel's address"),
        (f"guest:{PASSWORD}@", "Frigate lets only its admins make events: give that user the role admin"),
    ],
)
async def test_who_may_not_make_events_is_told_what_helps(
    world: Any, running: Any, eventually: Any, caplog: pytest.LogCaptureFixture, login: str, reason: str
) -> None:
    async with frigate_site(users=USERS) as site, running():
        world.channel(site.url(login))
        world.alert(1)
        world.alert(1, told=1)
        await eventually(lambda: world.told().passed == 2)
    assert site.events == []
    assert (world.told().dead, world.told().last_error) == (1, reason)
    [record] = world.log()
    assert "hunter2" not in caplog.text + world.told().encode().decode() + record.encode().decode()


async def test_a_camera_that_frigate_does_not_have_is_named_and_holds_up_no_other(
    world: Any, running: Any, eventually: Any
) -> None:
    async with frigate_site() as site, running():
        world.channel(site.url(), camera_names={"cellar": "gate"})
        world.alert(1, camera_id="attic")
        world.alert(2, camera_id="cellar")
        await eventually(lambda: world.told().passed == 2)
    assert [event.camera for event in site.events] == ["gate"]
    assert world.log()[0].answer.startswith(
        "Frigate has no camera 'attic': `patchwatch channels update phone --camera-name attic=NAME`"
    )


async def test_what_is_muted_or_chosen_out_makes_no_event(world: Any, running: Any, eventually: Any) -> None:
    far = round(1000 * time.time()) + 3_600_000
    world.bus.hset(keys.MUTES, "gate", Mute(id="gate", until_ms=far).encode())
    async with frigate_site() as site, running():
        world.channel(site.url(), kinds=("anomaly",))
        world.alert(1)
        world.alert(2, camera_id="front_yard", kind=AlertKind.COVERED, peak_score=None, threshold=None)
        await eventually(lambda: world.told().passed == 2)
    assert (site.events, world.told().silenced) == ([], 1)


async def test_a_test_makes_an_event_of_a_second(world: Any, running: Any, eventually: Any) -> None:
    world.bus.hset(keys.CAMERAS, mapping={name: Camera(id=name).encode() for name in ("attic", "gate")})
    async with frigate_site() as site, running():
        world.channel(site.url())
        assert await _tested(world, eventually) == TrialResult(delivered=True)
        world.channel(site.url(), "chosen", cameras=("gate", "attic"))
        refused = await _tested(world, eventually, "chosen")
    [event] = site.events
    assert (event.camera, event.label, event.body.duration) == ("gate", "patchwatch_test", 1)
    assert refused.detail.startswith("Frigate has no camera 'attic'")
    assert outcomes(world) == [("test", "sent")]
    assert [record.outcome for record in world.log("chosen")] == [NoticeOutcome.FAILED]


async def _tested(world: Any, eventually: Any, channel_id: str = "phone") -> TrialResult:
    names = ChannelKeys(channel_id)
    world.bus.xadd(names.asked, {b"t": b"abc"})
    await eventually(lambda: world.bus.llen(names.answer("abc")) == 1)
    return TrialResult.decode(world.bus.lpop(names.answer("abc")))


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"cameras": 3}', b"[" * 100_000])
async def test_another_server_is_told_from_frigate(world: Any, running: Any, eventually: Any, body: bytes) -> None:
    async with receiving(answer(200, body=body)) as other, running():
        world.channel(FrigateSite(port=other.port).url())
        world.alert(1)
        await eventually(lambda: world.told().dead == 1)
    assert world.told().last_error == "the answer is not Frigate's: does the address lead to Frigate 0.14 or later?"
