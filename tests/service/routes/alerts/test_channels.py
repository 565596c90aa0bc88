from __future__ import annotations

from typing import Any

import httpx
import pytest

from patchwatch.bus import keys
from patchwatch.bus.keys import ChannelKeys
from patchwatch.messages.alerts.channel import (
    MAX_CHANNELS,
    Channel,
    ChannelProgress,
    ChannelRecord,
    NoticeKind,
    NoticeOutcome,
)
from patchwatch.notifier.protocol import MessageOrder, MessageReport

SECRET = "hunter2"
URL = f"ntfy://me:{SECRET}@h.example/topic-{SECRET}"
AT = "/api/v1/channels"


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[MessageOrder]:
    """What the process that sends messages was asked; it finds fault with the word `wrong`."""
    orders: list[MessageOrder] = []

    async def run(order: MessageOrder, timeout_s: float) -> MessageReport:
        orders.append(order)
        return MessageReport(fault="is wrong", fault_field="body") if "wrong" in order.body else MessageReport()

    monkeypatch.setattr("service.rules.channel_order.run_message", run)
    return orders


def stored(world: Any, channel_id: str = "phone") -> Channel:
    return Channel.decode(world.field(keys.CHANNELS, channel_id))


async def test_a_channel_is_created_read_listed_changed_and_deleted(
    api: httpx.AsyncClient, world: Any, asked: list[MessageOrder]
) -> None:
    world.camera("gate")
    world.alert(1000)
    last = world.alert(2000)
    body = {"id": "phone", "url": URL, "cameras": ["gate"], "hours": {"begin": "22:00", "end": "06:00"}}
    made = await api.post(AT, json=body | {"time_zone": "Europe/Berlin", "after_minutes": 5})
    assert made.status_code == 201
    assert made.headers["location"] == f"{AT}/phone"
    assert stored(world).url.get_secret_value() == URL
    assert (made.json()["url"], made.json()["health"]) == ("ntfy://***", "unattended")
    assert [(order.send, order.url and order.url.get_secret_value()) for order in asked] == [(False, URL)]
    assert stored(world).begun_before == frozenset({"gate-1000", "gate-2000"})
    assert ChannelProgress.decode(world.value(ChannelKeys("phone").progress)).position == last
    changed = await api.patch(f"{AT}/phone", json={"url": "ntfy://***", "hours": None, "least_severity": "high"})
    assert changed.json() == (await api.get(f"{AT}/phone")).json() == (await api.get(AT)).json()["channels"][0]
    assert (changed.json()["hours"], changed.json()["after_minutes"]) == (None, 5)
    assert stored(world).url.get_secret_value() == URL
    assert len(asked) == 1, "what is not changed is not checked again"
    assert (await api.delete(f"{AT}/phone")).status_code == 204
    assert (await api.get(f"{AT}/phone")).status_code == 404
    assert not world.bus.exists(*ChannelKeys("phone").all)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "syslog://localhost"}, "url"), ({"url": "no address"}, "url"), ({"url": "ntfy://"}, "url"),
        ({"time_zone": "Mars/Crater"}, "time_zone"), ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"hours": {"begin": "25:00"}}, "hours.begin"), ({"cameras": ["nowhere"]}, "cameras"),
        ({"body": "wrong"}, "body"), ({"window_s": 61}, "window_s"), ({"title": "x" * 2001}, "title"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused_and_named(
    api: httpx.AsyncClient, world: Any, fields: dict[str, Any], field: str
) -> None:
    answer = await api.post(AT, json={"id": "phone", "url": URL, **fields})
    assert answer.status_code == 422
    assert f"body.{field}" in answer.text
    assert SECRET not in answer.text
    assert not world.bus.exists(keys.CHANNELS)


async def test_frigate_is_a_channel_that_no_process_judges(
    api: httpx.AsyncClient, world: Any, asked: list[MessageOrder]
) -> None:
    world.camera("gate")
    body = {"id": "nvr", "url": f"frigates://me:{SECRET}@nvr:8971", "camera_names": {"gate": "front"}}
    made = await api.post(AT, json=body)
    assert (made.status_code, made.json()["url"], made.json()["camera_names"]) == (
        201,
        "frigates://***",
        {"gate": "front"},
    )
    refused = await api.patch(f"{AT}/nvr", json={"camera_names": {"gaet": "front"}})
    assert [field["location"] for field in refused.json()["errors"]] == ["body.camera_names"]
    assert (await api.patch(f"{AT}/nvr", json={"over": True})).status_code == 422
    assert (await api.patch(f"{AT}/nvr", json={"camera_names": {}})).json()["camera_names"] == {}
    assert asked == []


async def test_no_answer_holds_a_secret_and_the_log_is_shown_newest_first(api: httpx.AsyncClient, world: Any) -> None:
    made = await api.post(AT, json={"id": "phone", "url": URL})
    for number in (1, 2):
        record = ChannelRecord(
            at_ms=number, notice=NoticeKind.ALERT, outcome=NoticeOutcome.FAILED, attempt=number, alert_ids=("gate-1",),
            title="t", text="x", answer=f"{URL} failed",
        )  # fmt: skip
        world.add(ChannelKeys("phone").log, {b"r": record.encode()})
    log = await api.get(f"{AT}/phone/log?limit=1")
    assert [record["attempt"] for record in log.json()["records"]] == [2]
    assert (await api.get(f"{AT}/nobody/log")).status_code == 404
    again = await api.post(AT, json={"id": "phone", "url": URL})
    assert again.status_code == 409
    answers = [made, log, again, await api.get(AT), await api.get("/readyz"), await api.get("/metrics")]
    assert not [answer for answer in answers if SECRET in answer.text]


async def test_their_number_is_bounded(api: httpx.AsyncClient, world: Any) -> None:
    record = Channel(id="x", url=URL).encode()
    world.bus.hset(keys.CHANNELS, mapping={f"c{number}": record for number in range(MAX_CHANNELS)})
    answer = await api.post(AT, json={"id": "phone", "url": URL})
    assert answer.status_code == 409
    assert "remove a channel first" in answer.json()["detail"]


async def test_cameras_and_all_are_muted_and_heard_again(api: httpx.AsyncClient, world: Any) -> None:
    world.camera("gate")
    muted = await api.put("/api/v1/cameras/gate/mute", json={"minutes": 60})
    assert muted.json()["camera_id"] == "gate"
    night = await api.put("/api/v1/mute", json={"until": "tomorrow", "time_zone": "Europe/Berlin"})
    assert night.json()["until"][13:] in (":00:00.000Z",)
    assert (await api.get("/api/v1/mutes")).json()["mutes"] == [night.json(), muted.json()]
    assert (await api.delete("/api/v1/mute")).status_code == 204
    assert (await api.put("/api/v1/cameras/nobody/mute", json={"minutes": 60})).status_code == 404
    for wrong in ({}, {"minutes": 0}, {"minutes": 5, "until": "tomorrow"}, {"until": "tomorrow", "time_zone": "x"}):
        assert (await api.put("/api/v1/mute", json=wrong)).status_code == 422
    assert (await api.delete("/api/v1/cameras/gate")).status_code == 204
    assert not world.bus.exists(keys.MUTES), "a mute goes with its camera"
