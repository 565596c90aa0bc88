"""Alerts reach real HTTP receivers at least once and in order, whatever these answer and whoever dies."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import pytest
from receiver import OK, answer, receiving

from patchwatch.bus import keys
from patchwatch.bus.keys import LeaseKeys, WebhookKeys
from patchwatch.messages.alerts.alert import Alert, AlertState, AlertView
from patchwatch.messages.alerts.verdict import Statement, Verdict, VerdictChange
from patchwatch.messages.alerts.webhook import Progress, TrialResult


async def test_an_alert_is_sent_signed_and_as_the_api_shows_it(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as receiver, running():
        webhook = world.webhook(receiver.url)
        entry_id = world.alert(1)
        await eventually(lambda: world.progress().delivered == 1)
    [request] = receiver.requests
    stored = Alert.decode(world.bus.xrange(keys.ALERTS)[0][1][b"a"])
    assert request.message["type"] == "alert.open"
    assert request.message["data"] == AlertView.from_alert(stored).model_dump(mode="json")
    assert request.id == f"home_{entry_id}"
    content = f"{request.id}.{request.headers['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(webhook.secret.get_secret_value().removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{signature}"


async def test_what_came_while_no_worker_lived_is_sent_in_order(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as receiver:
        world.webhook(receiver.url)
        ids = [f"home_{world.alert(number)}" for number in range(50)]
        async with running():
            await eventually(lambda: world.progress().delivered == 50)
    assert receiver.ids == ids
    assert world.progress().passed == 50


async def test_filters_let_through_what_they_name(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as receiver, running():
        world.webhook(receiver.url, cameras=["gate"], states=["closed"], kinds=["anomaly"])
        world.alert(1)
        world.alert(2, camera_id="yard", state=AlertState.CLOSED)
        wanted = world.alert(3, state=AlertState.CLOSED)
        world.alert(4)
        await eventually(lambda: world.progress().passed == 4)
    assert receiver.ids == [f"home_{wanted}"]


@pytest.mark.parametrize("status", [500, 503, 408, 429])
async def test_an_error_that_may_pass_is_tried_again_with_the_same_id_and_body(
    world: Any, running: Any, eventually: Any, status: int
) -> None:
    async with receiving(OK, answer(status), answer(status)) as receiver, running():
        world.webhook(receiver.url)
        world.alert(1)
        await eventually(lambda: world.progress().delivered == 1)
    assert len(receiver.requests) == 3
    assert len({(request.id, request.body) for request in receiver.requests}) == 1
    progress = world.progress()
    assert (progress.failed, progress.streak, progress.last_error) == (2, 0, f"HTTP {status}")
    assert world.letters() == []


async def test_what_a_receiver_refuses_is_a_dead_letter_at_once_and_the_next_goes_on(
    world: Any, running: Any, eventually: Any
) -> None:
    async with receiving(OK, answer(404), answer(302, "Location: http://127.0.0.1/")) as receiver, running():
        world.webhook(receiver.url)
        for number in range(3):
            world.alert(number)
        await eventually(lambda: world.progress().passed == 3)
    assert [(letter.alert.id, letter.attempts, letter.reason.split(":")[0]) for letter in world.letters()] == [
        ("gate-0", 1, "HTTP 404"),
        ("gate-1", 1, "HTTP 302"),
    ]
    assert (world.progress().delivered, world.progress().dead, len(receiver.requests)) == (1, 2, 3)


async def test_an_alert_that_keeps_failing_is_given_up_and_holds_nothing_up(
    world: Any, running: Any, eventually: Any
) -> None:
    async with receiving(OK, *[answer(500)] * 3) as receiver, running():
        world.webhook(receiver.url)
        poison, good = world.alert(1), world.alert(2)
        await eventually(lambda: world.progress().delivered == 1)
    assert receiver.ids == [f"home_{poison}"] * 3 + [f"home_{good}"]
    [letter] = world.letters()
    assert (letter.entry_id, letter.attempts, letter.reason) == (poison, 3, "HTTP 500")


async def test_a_vanished_receiver_gets_everything_when_it_is_back(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as receiver, running():
        world.webhook(receiver.url)
        ids = [world.alert(0)]
        await eventually(lambda: world.progress().delivered == 1)
        await receiver.close()
        ids += [world.alert(number) for number in range(1, 4)]
        await eventually(lambda: world.progress().streak >= 5)  # more often than an error may be answered
        assert world.progress().last_error == "the connection is refused"
        await receiver.open()
        await eventually(lambda: world.progress().delivered == 4)
    assert receiver.ids == [f"home_{entry_id}" for entry_id in ids]
    assert world.letters() == []


async def test_alerts_too_old_for_a_receiver_that_is_away_are_given_up_together(
    world: Any, running: Any, eventually: Any
) -> None:
    async with receiving(answer(503)) as receiver, running():
        old = [world.alert(number, entry_id=f"{1000 + number}-0") for number in range(5)]
        young = world.alert(5)
        world.webhook(receiver.url)
        await eventually(lambda: len(world.letters()) == 5)
        assert [letter.entry_id for letter in world.letters()] == old
        assert [letter.attempts for letter in world.letters()] == [1, 0, 0, 0, 0]
        receiver.always = OK
        await eventually(lambda: world.progress().delivered == 1)
    assert set(receiver.ids) == {f"home_{old[0]}", f"home_{young}"}


async def test_a_receiver_may_ask_for_a_pause(world: Any, running: Any, eventually: Any) -> None:
    async with receiving(OK, answer(429, "Retry-After: 120")) as receiver, running():
        world.webhook(receiver.url)
        world.alert(1)
        await eventually(lambda: world.progress().streak == 1)
        progress = world.progress()
        assert 110_000 < progress.retry_at_ms - (progress.last_error_at_ms or 0) <= 120_000
        assert len(receiver.requests) == 1


async def test_410_switches_the_webhook_off(world: Any, running: Any, eventually: Any) -> None:
    async with receiving(answer(410)) as receiver, running():
        world.webhook(receiver.url)
        world.alert(1)
        world.alert(2)
        await eventually(lambda: world.stored().gone)
    assert not world.stored().enabled
    assert len(world.letters()) == len(receiver.requests) == 1


async def test_a_receiver_that_never_answers_costs_one_timeout_and_no_other_webhook(
    world: Any, running: Any, eventually: Any
) -> None:
    async def silent(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with receiving(silent) as slow, receiving() as quick, running(webhook_timeout_s=20.0):
        world.webhook(slow.url, "slow")
        world.webhook(quick.url, "quick")
        for number in range(20):
            world.alert(number)
        await eventually(lambda: world.progress("quick").delivered == 20)
        assert len(slow.requests) == 1
        assert world.progress("slow").delivered == 0
    async with receiving(OK, silent) as slow, running(webhook_timeout_s=0.2):
        world.webhook(slow.url, "slower")
        await eventually(lambda: world.progress("slower").delivered == 20)
    assert world.progress("slower").last_error == "no answer within 0.2 s"


async def test_an_answer_without_end_is_not_read_to_its_end(world: Any, running: Any, eventually: Any) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await writer.drain()
            sent += 1

    async def dripping(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        await writer.drain()
        await asyncio.Event().wait()

    async with receiving(OK, endless, dripping) as receiver, running(webhook_timeout_s=10.0):
        world.webhook(receiver.url)
        for number in range(3):
            world.alert(number)
        await eventually(lambda: world.progress().delivered == 3)
    assert world.progress().failed == 0
    assert sent < 200  # what fits into the buffers of two sockets


@pytest.mark.parametrize("rubbish", [b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000, b"\x00" * 100])
async def test_what_speaks_no_http_is_tried_again(world: Any, running: Any, eventually: Any, rubbish: bytes) -> None:
    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write(rubbish)
        await writer.drain()

    async with receiving(OK, speak, speak) as receiver, running():
        world.webhook(receiver.url)
        world.alert(1)
        await eventually(lambda: world.progress().delivered == 1)
    assert world.progress().failed == 2


async def test_a_receiver_on_this_machine_is_refused_unless_allowed(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as receiver, running(webhook_reach="private"):
        world.webhook(receiver.url.replace("127.0.0.1", "localhost"))
        world.alert(1)
        await eventually(lambda: world.progress().streak > 0)
        assert "PATCHWATCH_WEBHOOK_REACH=loopback" in world.progress().last_error
    assert receiver.requests == []


async def test_user_and_password_are_sent_and_shown_nowhere(
    world: Any, running: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving(OK, answer(500)) as receiver, running():
        world.webhook(receiver.url.replace("http://", "http://user:p%40ss@") + "?key=hunter2")
        world.alert(1)
        await eventually(lambda: world.progress().delivered == 1)
    assert receiver.requests[-1].headers["authorization"] == "Basic " + base64.b64encode(b"user:p@ss").decode()
    assert receiver.requests[-1].path == "/hook?key=hunter2"
    assert not any(secret in caplog.text + world.progress().last_error for secret in ("p%40ss", "p@ss", "hunter2"))


async def test_an_entry_that_is_no_alert_is_counted_and_passed_over(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as receiver, running():
        world.webhook(receiver.url)
        world.bus.xadd(keys.ALERTS, {b"a": b"rubbish"})
        world.bus.xadd(keys.ALERTS, {b"b": b""})
        world.alert(1)
        await eventually(lambda: world.progress().delivered == 1)
    assert world.progress().unreadable == 2


async def test_no_webhook_is_sent_a_verdict_or_a_correction(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as receiver, running():
        world.webhook(receiver.url)
        alert = Alert.decode(world.bus.xrange(keys.ALERTS, world.alert(1))[0][1][b"a"])
        change = VerdictChange(alert=alert, statement=Statement(verdict=Verdict.NORMAL, by="operator", at_ms=2))
        world.bus.xadd(keys.ALERTS, {b"v": change.encode()})
        world.bus.xadd(keys.ALERTS, {b"c": b"a CorrectionChange"})
        last = world.alert(2)
        await eventually(lambda: world.progress().delivered == 2)
    assert (receiver.ids[-1], len(receiver.requests)) == (f"home_{last}", 2)
    assert (world.progress().passed, world.progress().unreadable) == (4, 0)


async def test_alerts_trimmed_before_they_were_sent_are_counted(
    world: Any, running: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving() as receiver:
        world.webhook(receiver.url)
        ids = [world.alert(number) for number in range(10)]
        async with running():
            await eventually(lambda: world.progress().delivered == 10)
        world.bus.xtrim(keys.ALERTS, maxlen=4, approximate=False)  # nothing is lost by this
        ids += [world.alert(number) for number in range(10, 20)]
        world.bus.xtrim(keys.ALERTS, maxlen=3, approximate=False)
        async with running():
            await eventually(lambda: world.progress().delivered == 13)
    assert receiver.ids == [f"home_{entry_id}" for entry_id in ids[:10] + ids[17:]]
    assert (world.progress().missed, world.progress().passed) == (7, 20)
    assert "7 alert changes were trimmed" in caplog.text


async def test_a_wish_to_try_again_is_fulfilled_and_one_that_fails_is_dead_again(
    world: Any, running: Any, eventually: Any
) -> None:
    def ask_for_all() -> None:
        of = WebhookKeys("home")
        for letter_id, fields in world.bus.xrange(of.dead):
            world.bus.xadd(of.asked, fields)
            world.bus.xdel(of.dead, letter_id)

    async with receiving(answer(404)) as receiver, running():
        world.webhook(receiver.url)
        ids = [world.alert(number) for number in range(3)]
        await eventually(lambda: len(world.letters()) == 3)
        receiver.answers = [answer(404), answer(503)]
        ask_for_all()
        await eventually(lambda: len(world.letters()) == 3)
        assert sorted(letter.attempts for letter in world.letters()) == [1, 2, 2]  # one went back untried
        receiver.always = OK
        ask_for_all()
        await eventually(lambda: world.progress().delivered == 3)
        assert world.letters() == []
        assert world.bus.xlen(WebhookKeys("home").asked) == 0
    assert sorted(receiver.ids[-3:]) == sorted(f"home_{entry_id}" for entry_id in ids)
    assert world.progress().dead == 3


async def test_a_test_is_sent_answered_and_changes_no_count(world: Any, running: Any, eventually: Any) -> None:
    of = WebhookKeys("home")
    async with receiving(OK, answer(418)) as receiver, running():
        world.webhook(receiver.url)
        for token in ("first", "second"):
            world.bus.xadd(of.asked, {b"t": token})
        await eventually(lambda: world.bus.exists(of.answer("second")))
    result = [TrialResult.decode(world.bus.lpop(of.answer(token))) for token in ("first", "second")]
    assert result == [TrialResult(delivered=False, detail="HTTP 418"), TrialResult(delivered=True)]
    assert [request.message["type"] for request in receiver.requests] == ["test", "test"]
    assert (world.progress(), world.bus.xlen(of.asked)) == (Progress(), 0)


async def test_a_failed_test_is_remembered_until_something_is_delivered(
    world: Any, running: Any, eventually: Any
) -> None:
    async with receiving(OK, answer(404)) as receiver, running():
        world.webhook(receiver.url)
        world.bus.xadd(WebhookKeys("home").asked, {b"t": "first"})
        await eventually(lambda: world.progress().failed_trial == "HTTP 404")
        world.alert(1)
        await eventually(lambda: world.progress().delivered == 1)
    assert world.progress().failed_trial == ""


async def test_one_alert_is_one_opening_then_updates_and_one_end(world: Any, running: Any, eventually: Any) -> None:
    changes: list[dict[str, object]] = [{"told": 0}, {"told": 1}, {"told": 2}, {"told": 3, "state": AlertState.CLOSED}]
    async with receiving(*[OK] * 8) as everything, receiving(*[OK] * 8) as openings, running():
        world.webhook(everything.url)
        world.webhook(openings.url, "phone", states=["open"])
        for fields in changes:
            world.alert(1, **fields)
        await eventually(lambda: world.progress().passed == 4 and world.progress("phone").passed == 4)
    types = [[request.message["type"] for request in receiver.requests] for receiver in (everything, openings)]
    assert types == [["alert.open", "alert.update", "alert.update", "alert.closed"], ["alert.open"]]


async def test_links_are_whole_where_a_public_address_is_set(world: Any, running: Any, eventually: Any) -> None:
    async with receiving(OK) as receiver, running(public_url="https://home.example/cams"):
        world.webhook(receiver.url)
        world.alert(1)
        await eventually(lambda: world.progress().passed == 1)
    data = receiver.requests[0].message["data"]
    assert data["link"] == "https://home.example/cams/#alert=gate-1"
    assert data["snapshot"] == "https://home.example/cams/api/v1/alerts/gate-1/snapshot.jpg"


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", b"\xff", b'{"position": 5}'])
async def test_what_is_damaged_does_not_stop_deliveries(
    world: Any, running: Any, eventually: Any, rubbish: bytes
) -> None:
    of = WebhookKeys("home")
    async with receiving(*[OK] * 8) as receiver, running():
        world.webhook(receiver.url)
        world.bus.hset(keys.WEBHOOKS, "other", rubbish)
        world.bus.set(of.progress, rubbish)
        for fields in ({b"t": rubbish + b"\xff"}, {b"d": rubbish}, {b"x": rubbish}):
            world.bus.xadd(of.asked, fields)
        world.bus.xadd(keys.ALERTS, {b"a": rubbish})
        world.alert(1)
        await eventually(lambda: b'"delivered":1' in (world.bus.get(of.progress) or b""))
        await eventually(lambda: world.bus.xlen(of.asked) == 0)
    assert [request.message["type"] for request in receiver.requests] == ["alert.open"]


async def test_dead_letters_are_bounded_and_those_pushed_out_counted(
    world: Any, running: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.delivery.outbox.MAX_DEAD_LETTERS", 3)
    async with receiving(answer(400)) as receiver, running():
        world.webhook(receiver.url)
        for number in range(5):
            world.alert(number)
        await eventually(lambda: world.progress().passed == 5)
    assert [letter.alert.id for letter in world.letters()] == ["gate-2", "gate-3", "gate-4"]
    assert (world.progress().dead, world.progress().forgotten) == (5, 2)


async def test_a_change_of_the_configuration_is_followed(world: Any, running: Any, eventually: Any) -> None:
    async with receiving() as first, receiving() as second, running():
        webhook = world.webhook(first.url)
        world.alert(1)
        await eventually(lambda: len(first.requests) == 1)
        world.webhook(second.url, incarnation=webhook.incarnation)
        await eventually(lambda: _arrives(world, second))
        world.bus.hdel(keys.WEBHOOKS, "home")
        world.bus.incr(keys.WEBHOOKS_REVISION)
        await eventually(lambda: not world.bus.exists(LeaseKeys.for_webhook("home").lease))


def _arrives(world: Any, receiver: Any) -> bool:
    if not receiver.requests:
        world.alert(world.bus.incr("n"))
    return bool(receiver.requests)
