"""Cameras are found at Frigate by what they are called, here or there."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from patchwatch.messages.alerts.channel import Channel
from patchwatch.messages.cameras.camera import Camera
from workers.delivery.frigate.camera_names import frigate_name

KNOWN = {"gate", "Front_Door", "yard"}


@pytest.mark.parametrize(
    ("camera", "name"),
    [
        (Camera(id="gate"), "gate"),
        (Camera(id="front_door", name="Front_Door", source="rtsp://nvr:8554/yard"), "Front_Door"),
        (Camera(id="front", name="At the front", source="rtsp://u:p@nvr:8554/Front_Door?video"), "Front_Door"),
        (Camera(id="attic", source="rtsp://nvr:8554/other"), None),
        (Camera(id="attic", source="push:"), None),
        (None, None),
    ],
)
def test_the_first_name_that_frigate_knows_counts(camera: Camera | None, name: str | None) -> None:
    channel = Channel(id="nvr", url=SecretStr("frigate://nvr"))
    assert frigate_name(channel, camera.id if camera else "attic", camera, KNOWN) == name


def test_a_name_that_was_given_is_the_only_one_that_counts() -> None:
    channel = Channel(id="nvr", url=SecretStr("frigate://nvr"), camera_names={"gate": "yard", "attic": "gone"})
    assert frigate_name(channel, "gate", Camera(id="gate"), KNOWN) == "yard"
    assert frigate_name(channel, "attic", Camera(id="attic", name="gate"), KNOWN) is None
