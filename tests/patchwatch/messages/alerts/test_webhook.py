"""A webhook's configuration is checked, keeps its secrets, and lets through what its filters name."""

from __future__ import annotations

from typing import Any

import pytest

from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.webhook import Webhook, new_secret, shown_url


def webhook(**fields: Any) -> Webhook:
    return Webhook.model_validate({"id": "home", "url": "http://h/x", "secret": new_secret(), **fields})


def alert(kind: AlertKind = AlertKind.ANOMALY, state: AlertState = AlertState.OPEN, camera_id: str = "door") -> Alert:
    return Alert(
        id="a", camera_id=camera_id, kind=kind, state=state, started_at_ms=1, opened_at_ms=2, peak_at_ms=2,
        peak_score=0.9, threshold=0.8, profile="motion", bank_id="b",
    )  # fmt: skip


@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_of_alert_can_be_chosen(kind: AlertKind) -> None:
    assert webhook().wants(alert(kind))
    assert webhook(kinds=[kind.value]).wants(alert(kind))
    others = [other for other in AlertKind if other is not kind]
    assert not others or not webhook(kinds=others).wants(alert(kind))


def test_all_filters_must_let_an_alert_through() -> None:
    picky = webhook(cameras=["door", "yard"], states=["closed"])
    assert picky.wants(alert(state=AlertState.CLOSED, camera_id="yard"))
    assert not picky.wants(alert(state=AlertState.OPEN, camera_id="yard"))
    assert not picky.wants(alert(state=AlertState.CLOSED, camera_id="roof"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/x", "https://h/x"),
        ("http://[fd00::1]:81/x", "http://[fd00::1]:81/x"),
        ("http://u:p@h:81/x?token=t", "http://***@h:81/x?***"),
        ("http://u@h", "http://***@h"),
        ("http://u:p@q@h/x", "http://***@h/x"),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_password(url: str, shown: str) -> None:
    assert shown_url(url) == webhook(url=url).public()["url"] == shown


def test_nothing_shown_holds_a_secret() -> None:
    secret = new_secret()
    made = webhook(url="http://u:hunter2@h/x", secret=secret)
    for text in (repr(made), str(made), str(made.public())):
        assert "hunter2" not in text
        assert secret not in text
    assert secret.encode() in made.encode()


def test_secrets_are_random_and_long() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(webhook().signing_key()) == 32
