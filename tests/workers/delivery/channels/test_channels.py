"""Channels tell real services of incidents, whatever these answer and whoever stops in between."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from mail_server import mail_server
from receiver import answer, receiving

from patchwatch.bus import keys
from patchwatch.bus.keys import ChannelKeys
from patchwatch.messages.alerts.channel import NoticeKind, NoticeOutcome
from patchwatch.messages.alerts.webhook import TrialResult
from patchwatch.messages.cameras.camera import Camera

TAKEN = answer(200, "Content-Type: application/json", body=b'{"id": "1"}')
SECRETS = ("topic-hunter2", "hunter2")


@pytest.fixture
def settings(settings: Any) -> Any:
    """A process loads a hundred services first, and other tests run beside it."""
    return settings.changed(webhook_timeout_s=20.0)


def url(receiver: Any, scheme: str = "ntfy") -> str:
    return f"{scheme}://someone:hunter2@127.0.0.1:{receiver.port}/topic-hunter2"


async def test_an_incident_reaches_ntfy_with_its_picture_and_is_told_of_once(
    world: Any, running: Any, eventually: Any
) -> None:
    world.bus.hset(keys.CAMERAS, "gate", Camera(id="gate", name="Front gate").encode())
    world.bus.set(keys.alert_picture("gate-1"), b"\xff\xd8picture")
    async with receiving(TAKEN) as receiver:
        world.channel(url(receiver), window_s=1.0, time_zone="Europe/Berlin")
        async with running(public_url="https://home.example/cams"):
            world.alert(1, anomaly="place", zones=("porch",))
            world.alert(2, camera_id="yard")
            await eventually(lambda: world.told().delivered == 1)
        world.alert(1, told=1)
        async with running():  # another worker goes on where the first one stopped
            await eventually(lambda: world.told().passed == 3)
    [request] = receiver.requests
    assert request.body == b"\xff\xd8picture"
    assert request.path.startswith("/topic-hunter2?")
    [record] = world.log()
    assert (record.notice, record.outcome, record.attempt) == (NoticeKind.ALERT, NoticeOutcome.SENT, 1)
    assert record.title == "something unusual in its place: Front gate, yard"
    message = parse_qs(urlsplit(request.path).query)["message"][0]
    assert message.splitlines() == [
        "1970-01-01 01:00:00  Front gate: something unusual in its place in porch, score 0.90",
        "1970-01-01 01:00:00  yard: something unusual, score 0.90",
        "https://home.example/cams/#alert=gate-1",
    ]
    assert record.text.startswith("1970-01-01 01:00:00  Front gate: ")
    assert world.told().incidents[0].alerts[0].updates == 1


async def test_a_mail_arrives_with_the_words_of_a_template_and_the_picture(
    world: Any, running: Any, eventually: Any
) -> None:
    world.bus.set(keys.alert_picture("gate-1"), b"\xff\xd8picture")
    async with mail_server() as mailbox, running(public_url="https://home.example"):
        address = f"mailto://127.0.0.1:{mailbox.port}?from=cams@home.example&to=me@home.example"
        world.channel(
            address, title="{{ severity | upper }} at {{ cameras[0] }}", body="{{ alerts[0].words }}! {{ clip }}"
        )
        world.alert(1)
        await eventually(lambda: world.told().delivered == 1)
    [mail] = mailbox.mails
    assert mail["Subject"] == "HIGH at gate"
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in mail.walk()}
    assert parts["image/jpeg"] == b"\xff\xd8picture"
    assert b"something unusual! https://home.example/links/alerts/gate-1/clip.mp4?expires=" in parts["text/plain"]


async def test_what_is_too_old_when_a_worker_comes_is_not_told_of_any_more(
    world: Any, running: Any, eventually: Any
) -> None:
    async with receiving(TAKEN) as receiver:
        world.channel(url(receiver))
        world.alert(1, entry_id="1000-0")
        async with running():
            await eventually(lambda: world.told().dead == 1)
    assert receiver.requests == []
    assert [(record.outcome, record.answer) for record in world.log()] == [(NoticeOutcome.GIVEN_UP, "too old")]


async def test_a_service_that_refuses_is_given_up_and_no_secret_is_told(
    world: Any, running: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving(answer(401)) as receiver, running():
        world.channel(url(receiver))
        world.alert(1)
        await eventually(lambda: world.told().dead == 1)
    progress, [record] = world.told(), world.log()
    assert (record.outcome, record.answer, progress.last_error) == (NoticeOutcome.GIVEN_UP, "HTTP 401", "HTTP 401")
    kept = caplog.text + progress.encode().decode() + record.encode().decode()
    assert not any(secret in kept for secret in SECRETS)
    assert "patchwatch channels log phone" in caplog.text


async def test_a_service_that_is_away_gets_the_message_when_it_is_back(
    world: Any, running: Any, eventually: Any
) -> None:
    async with receiving(TAKEN) as receiver:
        await receiver.close()
        async with running(webhook_retry_max_s=0.02):
            world.channel(url(receiver), picture=False)
            world.alert(1)
            await eventually(lambda: world.told().failed >= 1)
            await receiver.open()
            await eventually(lambda: world.told().delivered == 1)
    assert len(receiver.requests) == 1
    assert json.loads(receiver.requests[0].body)["topic"] == "topic-hunter2"
    assert [record.outcome for record in world.log()] == ["failed"] * world.told().failed + ["sent"]
    assert world.told().streak == 0


async def test_a_service_that_hangs_is_left_in_time(world: Any, running: Any, eventually: Any) -> None:
    async def silence(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    def senders() -> list[psutil.Process]:
        return [child for child in psutil.Process().children() if "patchwatch.notifier.sender" in child.cmdline()]

    slow = {"webhook_timeout_s": 1.0, "webhook_retry_min_s": 300.0, "webhook_retry_max_s": 300.0}
    async with receiving(silence) as receiver, running(**slow):
        world.channel(url(receiver), picture=False)
        world.alert(1)
        await eventually(lambda: world.told().failed == 1)
        assert world.told().last_error == "no answer within 1 s"
        assert senders() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_address_that_alerts_may_not_go_to_is_not_connected_to(
    world: Any, running: Any, eventually: Any, host: str
) -> None:
    async with receiving(TAKEN) as receiver, running(webhook_reach="private"):
        world.channel(f"ntfy://{host}:{receiver.port}/topic-hunter2")
        world.alert(1)
        await eventually(lambda: world.told().failed >= 1)
    assert receiver.requests == []
    assert world.told().last_error.startswith("alerts are not sent to loopback addresses: start Patchwatch with")


async def test_a_test_is_answered_and_logged(world: Any, running: Any, eventually: Any) -> None:
    async with receiving(TAKEN) as receiver, running():
        world.channel(url(receiver))
        world.bus.xadd(ChannelKeys("phone").asked, {b"t": b"abc"})
        await eventually(lambda: world.bus.llen(ChannelKeys("phone").answer("abc")) == 1)
    result = TrialResult.decode(world.bus.lrange(ChannelKeys("phone").answer("abc"), 0, 0)[0])
    assert result == TrialResult(delivered=True)
    assert len(receiver.requests) == 1
    assert [record.notice for record in world.log()] == [NoticeKind.TEST]
    assert world.told().delivered == 0
