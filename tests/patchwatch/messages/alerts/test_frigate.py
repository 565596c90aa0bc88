"""Frigate's address is taken as it is meant, or refused without being repeated."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from patchwatch.messages.alerts.channel import Channel
from patchwatch.messages.alerts.frigate import FrigateAddress, FrigateCreation, FrigateEvent, FrigateProgress


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("frigate://nvr", FrigateAddress("http://nvr:5000")),
        ("Frigate://nvr:80/frigate/", FrigateAddress("http://nvr:80/frigate")),
        ("frigates://me:p%40ss%2F@nvr", FrigateAddress("https://nvr:8971", "me", "p@ss/")),
        ("frigate://[::1]:5000", FrigateAddress("http://[::1]:5000")),
        ("ntfy://nvr/topic", None),
    ],
)
def test_an_address_says_where_its_api_is(url: str, address: FrigateAddress | None) -> None:
    assert FrigateAddress.from_url(url) == address
    assert Channel(id="nvr", url=SecretStr(url)).frigate == address


@pytest.mark.parametrize(
    "url",
    ["frigate://:5000", "frigate://hunter2@nvr", "frigate://a:hunter2@nvr:port", "frigate://a:hunter2@nvr?x=1",
     "frigate://nvr:0", "frigate://nvr#part", "frigate://[nvr"],
)  # fmt: skip
def test_what_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Channel(id="nvr", url=SecretStr(url))
    assert "is not an address like frigate://HOST:5000" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        ("frigate://nvr", {"over": True}),
        ("frigate://nvr", {"after_minutes": 5}),
        ("frigate://nvr", {"body": "{{ link }}"}),
        ("ntfy://nvr/topic", {"camera_names": {"gate": "front"}}),
        ("frigate://nvr", {"camera_names": {"gate": "a/b"}}),
    ],
)
def test_what_means_nothing_to_a_service_is_refused(url: str, fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Channel.model_validate({"id": "nvr", "url": url, **fields})


def test_what_is_done_with_one_alert_leaves_what_is_in_hand_of_another() -> None:
    event = FrigateEvent(alert_id="a", camera_id="gate", event_id="1", created_at_ms=1)
    progress = FrigateProgress(events=(event,)).creating(FrigateCreation(alert_id="b", last_event_id="1"))
    finished = progress.finished("a")
    assert (finished.events, finished.creation_for("b"), finished.done) == ((), progress.creation, ("a",))
    assert finished.finished("b").creation is None


def test_a_password_does_not_show() -> None:
    assert "hunter2" not in repr(FrigateAddress.from_url("frigate://me:hunter2@nvr"))
