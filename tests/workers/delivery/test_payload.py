"""Signatures are those of Standard Webhooks."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from patchwatch.contract.signed_link import check
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.webhook import Webhook
from workers.delivery.payload import AlertLinks, alert_body, message_id, signed_headers


def test_the_example_of_the_specification_is_reproduced() -> None:
    # From the tests of the reference libraries.
    webhook = Webhook(id="home", url="http://h/", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = signed_headers(webhook.signing_key(), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers == [
        (b"webhook-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek"),
        (b"webhook-timestamp", b"1614265330"),
        (b"webhook-signature", b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ]


def test_each_webhook_and_change_has_an_id_of_its_own() -> None:
    one, other = (Webhook(id=name, url="http://h/", secret="whsec_" + "A" * 32) for name in ("one", "other"))
    assert len({message_id(one, "1-0"), message_id(one, "1-1"), message_id(other, "1-0")}) == 3


def test_a_message_names_the_zones_of_an_alert() -> None:
    known = {
        "id": "gate-1", "camera_id": "gate", "state": "open", "started_at_ms": 1, "opened_at_ms": 2, "peak_at_ms": 3,
        "peak_score": 0.9, "threshold": 0.6, "profile": "motion",
    }  # fmt: skip
    for zones in ([], ["porch", "back gate"]):
        body = json.loads(alert_body("1-0", Alert.model_validate(known | {"zones": zones})))
        assert body["data"]["zones"] == zones


def test_with_a_public_url_a_message_links_to_its_pictures_without_a_token() -> None:
    known = {
        "id": "gate-1", "camera_id": "gate", "state": "open", "started_at_ms": 1, "opened_at_ms": 2, "peak_at_ms": 3,
        "peak_score": 0.9, "threshold": 0.6, "profile": "motion",
    }  # fmt: skip
    alert, links = Alert.model_validate(known), AlertLinks("https://home.example/cams", b"s" * 32, 1.0)
    bodies = {alert_body("5000-0", alert, "https://home.example/cams", links) for _ in range(2)}
    assert len(bodies) == 1, "the same bytes at every attempt"
    data = json.loads(bodies.pop())["data"]
    assert data["evidence"] == "https://home.example/cams/api/v1/alerts/gate-1/evidence"
    assert data["links"]["expires"] == "1970-01-01T01:00:05.000Z"
    clip = urlsplit(data["links"]["clip"])
    query = parse_qs(clip.query)
    check(b"s" * 32, clip.path.removeprefix("/cams"), query["expires"][0], query["signature"][0], 3604.0)
    assert "links" not in json.loads(alert_body("5000-0", alert))["data"]
