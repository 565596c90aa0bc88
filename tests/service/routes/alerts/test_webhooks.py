from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from patchwatch.bus import keys
from patchwatch.bus.connection import connect_async
from patchwatch.bus.keys import WebhookKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertChange, AlertState
from patchwatch.messages.alerts.webhook import MAX_WEBHOOKS, DeadLetter, Progress, Webhook, new_secret
from service.app import create_app
from service.store.alerts import alert_position
from service.store.alerts.alerts import AlertStore

SECRET = "hunter2"
URL = f"http://admin:{SECRET}@10.0.0.5:8123/api/webhook/x?key={SECRET}"
AT = "/api/v1/webhooks"


def stored(world: Any, webhook_id: str = "home") -> Webhook:
    return Webhook.decode(world.field(keys.WEBHOOKS, webhook_id))


def progress(world: Any, **fields: Any) -> None:
    world.bus.set(WebhookKeys("home").progress, Progress(**fields).encode())


def letter(world: Any, number: int) -> str:
    alert = Alert.decode(world.bus.get(f"pw:alert:gate-{number}"))
    dead = DeadLetter(entry_id=f"{number}-0", alert=alert, attempts=1, reason="HTTP 404", died_at_ms=number)
    added: bytes = world.bus.xadd(WebhookKeys("home").dead, {b"d": dead.encode()})
    return added.decode()


async def test_a_webhook_is_created_read_listed_changed_and_deleted(api: httpx.AsyncClient, world: Any) -> None:
    world.camera("gate")
    world.alert(1000)
    last = world.alert(2000)
    made = await api.post(AT, json={"id": "home", "url": URL, "cameras": ["gate"], "kinds": ["anomaly"]})
    assert made.status_code == 201
    assert made.headers["location"] == f"{AT}/home"
    assert made.json()["secret"] == stored(world).secret.get_secret_value()
    assert made.json()["url"] == "http://***@10.0.0.5:8123/api/webhook/x?***"
    shown = (await api.get(f"{AT}/home")).json()
    assert shown == {field: value for field, value in made.json().items() if field != "secret"}
    assert (await api.get(AT)).json() == {"webhooks": [shown]}
    begun = Progress.decode(world.bus.get(WebhookKeys("home").progress))
    assert (begun.position, begun.passed) == (last, 2), "it begins after the alerts there are"

    changed = await api.patch(f"{AT}/home", json={"url": shown["url"], "states": ["closed"], "cameras": []})
    assert (changed.json()["states"], changed.json()["cameras"], changed.json()["kinds"]) == (
        ["closed"],
        [],
        ["anomaly"],
    )
    assert stored(world).url == URL, "what was not changed stays, secrets included"
    assert int(world.value(keys.WEBHOOKS_REVISION)) == 2
    assert (await api.delete(f"{AT}/home")).status_code == 204
    assert (await api.get(f"{AT}/home")).status_code == 404
    assert world.bus.keys("pw:webhook:*") == []


async def test_only_the_first_answer_holds_a_secret(api: httpx.AsyncClient, world: Any) -> None:
    own = new_secret()
    made = await api.post(AT, json={"id": "home", "url": URL, "secret": own})
    assert made.json()["secret"] == own
    answers = [await api.get(path) for path in (AT, f"{AT}/home", "/readyz", "/metrics")]
    answers.append(await api.patch(f"{AT}/home", json={"enabled": False}))
    assert not any(own in answer.text or SECRET in answer.text for answer in answers)
    rotated = (await api.post(f"{AT}/home/secret")).json()["secret"]
    assert rotated != own
    assert stored(world).secret.get_secret_value() == rotated


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"id": "home", "url": f"ftp://admin:{SECRET}@h/x"}, "body.url"),
        ({"id": "home", "url": f"http://admin:{SECRET}@h:port/x"}, "body.url"),
        ({"id": "home", "url": f"http://admin:{SECRET}@[h/x"}, "body.url"),
        ({"id": "home", "url": "http:///x"}, "body.url"),
        ({"id": "home", "url": "http://h/x y"}, "body.url"),
        ({"id": "home", "url": "http://169.254.169.254/latest"}, "body.url"),
        ({"id": "home", "url": "http://[fe80::1]/"}, "body.url"),
        ({"id": "home", "url": "http://0.0.0.0/"}, "body.url"),
        ({"id": "home", "url": "http://127.0.0.1:8080/api/v1/cameras"}, "body.url"),
        ({"id": "home", "url": "http://2130706433/"}, "body.url"),
        ({"id": "home", "url": "http://localhost/"}, "body.url"),
        ({"id": "home", "url": "http://10.0.0.5/", "secret": SECRET}, "body.secret"),
        ({"id": "home", "url": "http://10.0.0.5/", "secret": "whsec_aHVudGVyMg=="}, "body.secret"),
        ({"id": "home", "url": "http://10.0.0.5/", "cameras": ["No Camera"]}, "body.cameras.0"),
        ({"id": "home", "url": "http://10.0.0.5/", "kinds": ["rain"]}, "body.kinds.0"),
        ({"id": "Home 1", "url": "http://10.0.0.5/"}, "body.id"),
        ({"id": "home"}, "body.url"),
        ({"id": "home", "url": "http://10.0.0.5/", "password": SECRET}, "body.password"),
    ],
)
async def test_a_wrong_field_is_named_and_no_secret_repeated(
    api: httpx.AsyncClient, world: Any, body: dict[str, object], place: str
) -> None:
    answer = await api.post(AT, json=body)
    assert answer.status_code == 422
    assert place in [field["location"] for field in answer.json()["errors"]]
    assert SECRET not in answer.text
    assert not world.bus.exists(keys.WEBHOOKS)


async def test_a_camera_that_does_not_exist_is_refused_with_where_to_look(api: httpx.AsyncClient, world: Any) -> None:
    world.camera("gate")
    body = {"id": "home", "url": "http://10.0.0.5/", "cameras": ["gate", "gaet"]}
    refused = await api.post(AT, json=body)
    assert refused.status_code == 422
    (field,) = refused.json()["errors"]
    assert field["location"] == "body.cameras"
    assert "no camera 'gaet': see `patchwatch cameras list`" in field["message"]
    assert not world.bus.exists(keys.WEBHOOKS)
    await api.post(AT, json={**body, "cameras": ["gate"]})
    assert (await api.patch(f"{AT}/home", json={"cameras": ["gaet"]})).status_code == 422
    world.bus.hdel(keys.CAMERAS, "gate")  # removed since: what the webhook has already is its own affair
    world.camera("yard")
    assert (await api.patch(f"{AT}/home", json={"enabled": False})).status_code == 200
    assert (await api.patch(f"{AT}/home", json={"cameras": ["gate", "yard"]})).status_code == 200


async def test_a_name_that_does_not_resolve_yet_is_accepted(api: httpx.AsyncClient) -> None:
    assert (await api.post(AT, json={"id": "home", "url": "http://receiver.invalid/"})).status_code == 201


async def test_a_change_to_a_forbidden_address_is_refused(api: httpx.AsyncClient, world: Any) -> None:
    await api.post(AT, json={"id": "home", "url": URL})
    answer = await api.patch(f"{AT}/home", json={"url": "http://127.0.0.1/"})
    assert answer.status_code == 422
    assert "start Patchwatch with PATCHWATCH_WEBHOOK_REACH=loopback" in answer.json()["detail"]
    assert stored(world).url == URL


async def test_a_taken_id_and_too_many_webhooks_are_conflicts(api: httpx.AsyncClient) -> None:
    for number in range(MAX_WEBHOOKS):
        assert (await api.post(AT, json={"id": f"w{number}", "url": "http://10.0.0.5/"})).status_code == 201
    taken = await api.post(AT, json={"id": "w1", "url": "http://10.0.0.5/"})
    many = await api.post(AT, json={"id": "another", "url": "http://10.0.0.5/"})
    assert (taken.status_code, many.status_code) == (409, 409)
    assert "`patchwatch webhooks update w1`" in taken.json()["detail"]
    assert "remove a webhook first" in many.json()["detail"]


async def test_a_webhook_that_is_switched_on_again_gets_alerts_from_then_on(api: httpx.AsyncClient, world: Any) -> None:
    await api.post(AT, json={"id": "home", "url": URL})
    before = stored(world)
    world.bus.hset(keys.WEBHOOKS, "home", before.model_copy(update={"enabled": False, "gone": True}).encode())
    progress(world, delivered=7, streak=3, attempts=2, retry_at_ms=99)
    assert (await api.get(f"{AT}/home")).json()["health"] == "gone"
    missed = world.alert(1000)
    shown = (await api.patch(f"{AT}/home", json={"enabled": True})).json()
    assert (shown["health"], shown["delivered"], shown["pending"]) == ("unattended", 7, 0)
    begun = Progress.decode(world.bus.get(WebhookKeys("home").progress))
    assert (begun.position, begun.passed, begun.streak, begun.retry_at_ms) == (missed, 1, 0, 0)
    assert stored(world).incarnation != before.incarnation


@pytest.mark.parametrize("start", ["added", "switched on", "given more"])
async def test_an_alert_that_was_open_at_the_start_is_not_sent_and_the_next_is(
    api: httpx.AsyncClient, world: Any, start: str
) -> None:
    """Its closing would come without its opening."""
    world.camera("gate")
    world.camera("yard")
    if start != "added":
        first = {"enabled": False} if start == "switched on" else {"cameras": ["yard"]}
        await api.post(AT, json={"id": "home", "url": URL, **first})
    world.alert(1000)
    world.alert(1500, camera_id="yard")
    world.alert(2000, state=AlertState.CLOSED)
    if start == "added":
        await api.post(AT, json={"id": "home", "url": URL})
    else:
        await api.patch(f"{AT}/home", json={"enabled": True} if start == "switched on" else {"cameras": []})
    closed = Alert.decode(world.bus.get("pw:alert:gate-1000")).model_copy(update={"state": AlertState.CLOSED})
    later = closed.model_copy(update={"id": "gate-3000"})
    yard = closed.model_copy(update={"id": "yard-1500", "camera_id": "yard"})
    webhook = stored(world)
    assert not webhook.wants(closed)
    assert not webhook.wants(closed.model_copy(update={"state": AlertState.OPEN, "told": 2}))
    assert webhook.wants(later)
    assert webhook.wants(yard) is (start == "given more"), "it got the opening of that one"
    assert webhook.model_copy(update={"states": (AlertChange.CLOSED,)}).wants(closed), "it takes no openings"
    await api.patch(f"{AT}/home", json={"url": URL + "&more=1"})
    assert stored(world).begun_before == webhook.begun_before
    assert "begun_before" not in (await api.get(f"{AT}/home")).json()


async def test_what_changes_while_the_open_alerts_are_read_counts_by_its_opening(
    world: Any, bus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alert(1000)
    world.alert(2000)
    bus = connect_async(bus_url)
    honest = alert_position._all_open

    async def meanwhile(alerts: AlertStore) -> list[Alert]:
        world.alert(1000, state=AlertState.CLOSED)
        world.alert(3000)
        return await honest(alerts)

    monkeypatch.setattr(alert_position, "_all_open", meanwhile)
    found = await alert_position.end_of_alerts(bus, AlertStore(bus))
    await bus.aclose()
    assert {alert.id for alert in found.open} == {"gate-1000", "gate-2000"}
    assert found.passed == 2


async def test_a_verdict_given_meanwhile_is_no_opening(
    world: Any, bus_url: str, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.alert(1000)
    bus = connect_async(bus_url)
    honest = alert_position._all_open

    async def meanwhile(alerts: AlertStore) -> list[Alert]:
        await api.put("/api/v1/alerts/gate-1000/verdict", json={"verdict": "normal"})
        return await honest(alerts)

    monkeypatch.setattr(alert_position, "_all_open", meanwhile)
    found = await alert_position.end_of_alerts(bus, AlertStore(bus))
    await bus.aclose()
    assert [alert.id for alert in found.open] == ["gate-1000"]
    assert "left out" not in caplog.text


async def test_a_failing_webhook_is_named_by_status_health_and_metrics(api: httpx.AsyncClient, world: Any) -> None:
    for role in ("ingest", "inference", "delivery"):
        world.beat(role)
    await api.post(AT, json={"id": "home", "url": URL})
    world.alert(1000)
    assert (await api.get(f"{AT}/home")).json()["health"] == "ok"
    assert (await api.get("/readyz")).json()["webhooks"] == []
    progress(world, delivered=5, failed=9, dead=2, streak=4, last_error="HTTP 503", last_error_at_ms=1000)
    shown = (await api.get(f"{AT}/home")).json()
    assert (shown["health"], shown["pending"], shown["last_error_at"]) == ("failing", 1, "1970-01-01T00:00:01.000Z")
    trouble = {"id": "home", "health": "failing", "reason": "HTTP 503 (4 failed attempts in a row)"}
    assert (await api.get("/readyz")).json()["webhooks"] == [trouble]
    text = (await api.get("/metrics")).text
    for line in (
        'patchwatch_webhook_delivered_total{webhook="home"} 5.0',
        'patchwatch_webhook_failed_total{webhook="home"} 9.0',
        'patchwatch_webhook_dead_total{webhook="home"} 2.0',
        'patchwatch_webhook_pending{webhook="home"} 1.0',
        'patchwatch_webhook_failing{webhook="home"} 1.0',
    ):
        assert line in text


async def test_dead_letters_are_listed_in_pages_and_sent_again(api: httpx.AsyncClient, world: Any) -> None:
    await api.post(AT, json={"id": "home", "url": URL})
    for number in (1000, 2000, 3000):
        world.alert(number)
    ids = [letter(world, number) for number in (1000, 2000, 3000)]
    first = (await api.get(f"{AT}/home/dead?limit=2")).json()
    rest = (await api.get(first["next"])).json()
    assert [one["id"] for one in first["dead_letters"] + rest["dead_letters"]] == ids
    assert first["dead_letters"][0]["message_id"] == "home_1000-0"
    assert rest["next"] is None
    assert (await api.post(f"{AT}/home/dead/retry", json={"ids": [ids[0], "9-9"]})).status_code == 404
    assert world.bus.xlen(WebhookKeys("home").asked) == 0, "none is queued when one is unknown"
    assert (await api.post(f"{AT}/home/dead/retry", json={"ids": [ids[1]]})).json() == {"queued": 1}
    assert (await api.post(f"{AT}/home/dead/retry")).json() == {"queued": 2}
    asked = [DeadLetter.decode(row[b"d"]).entry_id for _, row in world.bus.xrange(WebhookKeys("home").asked)]
    assert asked == ["2000-0", "1000-0", "3000-0"]
    assert (await api.get(f"{AT}/home")).json()["dead_letters"] == 0


async def test_a_test_is_answered_with_the_workers_result(api: httpx.AsyncClient, world: Any, until: Any) -> None:
    await api.post(AT, json={"id": "home", "url": URL})
    asking = asyncio.create_task(api.post(f"{AT}/home/test"))
    ((_, fields),) = await until(lambda: world.bus.xrange(WebhookKeys("home").asked))
    result = json.dumps({"delivered": False, "detail": "HTTP 404"})
    world.bus.rpush(WebhookKeys("home").answer(fields[b"t"].decode()), result)
    assert (await asking).json() == {"delivered": False, "detail": "HTTP 404"}


async def test_a_test_without_a_worker_says_so_and_leaves_nothing(
    settings: Settings, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.routes.alerts.webhooks._TEST_MARGIN_S", 0.1)
    app = create_app(settings.changed(webhook_timeout_s=0.1))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api:
        await api.post(AT, json={"id": "home", "url": URL})
        answer = await api.post(f"{AT}/home/test")
        await api.patch(f"{AT}/home", json={"enabled": False})
        off = await api.post(f"{AT}/home/test")
    await app.state.context.store.bus.aclose()
    assert (answer.status_code, off.status_code) == (503, 409)
    assert world.bus.xlen(WebhookKeys("home").asked) == 0


async def test_a_record_that_cannot_be_read_hides_no_other_webhook_and_can_be_removed(
    api: httpx.AsyncClient, world: Any
) -> None:
    await api.post(AT, json={"id": "home", "url": URL})
    world.bus.hset(keys.WEBHOOKS, "old", b"{}")
    assert [one["id"] for one in (await api.get(AT)).json()["webhooks"]] == ["home"]
    assert (await api.delete(f"{AT}/old")).status_code == 204


async def test_an_unknown_webhook_is_not_found_everywhere(api: httpx.AsyncClient) -> None:
    answers = [
        await api.get(f"{AT}/nobody"),
        await api.get(f"{AT}/nobody/dead"),
        await api.patch(f"{AT}/nobody", json={}),
        await api.delete(f"{AT}/nobody"),
        *[await api.post(f"{AT}/nobody/{what}") for what in ("secret", "test", "dead/retry")],
    ]
    assert [answer.status_code for answer in answers] == [404] * 7
