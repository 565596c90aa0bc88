"""What is announced follows Home Assistant's published rules.

Sources: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload for the device,
https://www.home-assistant.io/integrations/binary_sensor.mqtt/ (event, sensor, switch likewise) for the options of each
platform, https://www.home-assistant.io/integrations/binary_sensor/#device-class for the classes, and
homeassistant/components/mqtt/schemas.py for what is required and what is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.cameras.camera import Camera
from workers.delivery.mqtt.discovery import SENSORS, device, event_type, sensor_state
from workers.delivery.mqtt.topics import Topics

TOPICS = Topics("patchwatch", "homeassistant")
DEVICE = {
    "identifiers", "connections", "manufacturer", "model", "name", "hw_version", "serial_number", "sw_version",
    "via_device", "suggested_area", "configuration_url",
}  # fmt: skip
ROOT = {
    "device", "origin", "components", "availability_topic", "availability_template", "payload_available",
    "payload_not_available", "availability_mode", "availability", "state_topic", "command_topic", "qos", "encoding",
}  # fmt: skip
ENTITY = {"platform", "unique_id", "name", "icon", "entity_category", "enabled_by_default", "json_attributes_topic"}
PLATFORMS = {
    "binary_sensor": ({"state_topic"}, {"device_class", "payload_on", "payload_off", "off_delay", "expire_after"}),
    "event": ({"state_topic", "event_types"}, {"device_class", "value_template"}),
    "sensor": (
        {"state_topic"},
        {"device_class", "state_class", "unit_of_measurement", "suggested_display_precision", "expire_after"},
    ),
    "switch": (
        {"command_topic"},
        {"state_topic", "payload_on", "payload_off", "state_on", "state_off", "device_class"},
    ),
}
BINARY_CLASSES = {"safety", "tamper", "problem", "connectivity", "motion", "occupancy", "moving", "vibration"}


def faults(payload: dict[str, Any]) -> list[str]:
    """What Home Assistant would refuse."""
    found = [f"unknown {key}" for key in payload.keys() - ROOT]
    found += [f"device: unknown {key}" for key in payload["device"].keys() - DEVICE]
    if not payload["device"].get("identifiers") and not payload["device"].get("connections"):
        found.append("device without an identifier")
    if not payload["origin"].get("name") or payload["origin"].keys() - {"name", "sw_version", "support_url"}:
        found.append("origin")
    for name, entity in payload["components"].items():
        required, optional = PLATFORMS[entity["platform"]]
        found += [f"{name}: no {key}" for key in (required | {"unique_id"}) - entity.keys()]
        found += [f"{name}: unknown {key}" for key in entity.keys() - ENTITY - required - optional]
        found += [f"{name}: {topic} is no topic" for topic in topics_of(entity) if re.search(r"[+#\0]|^$", topic)]
        if entity["platform"] == "binary_sensor" and entity["device_class"] not in BINARY_CLASSES:
            found.append(f"{name}: class")
    return found


def topics_of(entity: dict[str, Any]) -> list[str]:
    return [value for key, value in entity.items() if key.endswith("_topic")]


@pytest.mark.parametrize("page", [None, "https://home.example/cams"])
def test_a_camera_is_announced_as_home_assistant_takes_it(page: str | None) -> None:
    payload = json.loads(json.dumps(device(Camera(id="gate", name="Front\ngate"), TOPICS, page)))
    assert faults(payload) == []
    assert payload["device"]["name"] == r"Front\ngate"
    assert ("configuration_url" in payload["device"]) is (page is not None)
    assert {one["platform"] for one in payload["components"].values()} == set(PLATFORMS)
    assert faults(payload | {"device": {"name": "x"}}), "the rules find faults"


def test_entities_of_two_cameras_are_never_the_same() -> None:
    first, second = (device(Camera(id=name), TOPICS, None)["components"] for name in ("gate", "yard"))
    for key in ("unique_id", "state_topic"):
        values = [entity[key] for entities in (first, second) for entity in entities.values()]
        assert len(set(values)) == len(values)


def test_every_kind_of_alert_has_its_event_and_what_is_seen_at_once_a_sensor() -> None:
    types = device(Camera(id="gate"), TOPICS, None)["components"]["event"]["event_types"]
    assert len(set(types)) == len(types) == 2 * len(AlertKind)
    assert event_type(AlertKind.OFFLINE, over=True) in types
    sensed = {kind for *_, kinds in SENSORS.values() for kind in kinds}
    assert set(AlertKind) - sensed == {AlertKind.DRIFT, AlertKind.LASTING_CHANGE, AlertKind.ABSENCE}


def test_a_connection_is_on_while_all_is_well_and_the_others_off() -> None:
    assert {name: sensor_state(name, frozenset()) for name in SENSORS} == {
        "anomaly": "OFF", "tampering": "OFF", "blindness": "OFF", "connection": "ON",
    }  # fmt: skip
    kinds = frozenset({AlertKind.OFFLINE, AlertKind.COVERED})
    assert {name: sensor_state(name, kinds) for name in SENSORS} == {
        "anomaly": "OFF", "tampering": "ON", "blindness": "OFF", "connection": "OFF",
    }  # fmt: skip


def test_a_mute_command_is_known_by_its_topic() -> None:
    assert TOPICS.muted_camera(TOPICS.mute_command("gate")) == "gate"
    for other in ("patchwatch/gate/mute", "homeassistant/status", "x/gate/mute/set"):
        assert TOPICS.muted_camera(other) is None
