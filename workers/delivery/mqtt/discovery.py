"""How a camera is announced to Home Assistant: a device with its entities.

By https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload, which Home Assistant understands since
2024.11.
"""

from __future__ import annotations

from typing import Any

from patchwatch import __version__
from patchwatch.contract.redaction import one_line
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.cameras.camera import Camera
from workers.delivery.mqtt.topics import Topics

PROJECT_URL = "https://github.com/patchwatch/patchwatch"
ON, OFF = "ON", "OFF"
ONLINE, OFFLINE = "online", "offline"
OVER = "_over"  # ends the type of an event that tells of an end
_LONGEST_NAME = 120

# Binary sensors by what they are called in topics: name, class of Home Assistant, and the alerts that switch them on.
SENSORS: dict[str, tuple[str, str, frozenset[AlertKind]]] = {
    "anomaly": ("Anomaly", "safety", frozenset({AlertKind.ANOMALY})),
    "tampering": (
        "Tampering", "tamper", frozenset({AlertKind.COVERED, AlertKind.SCENE_CHANGED, AlertKind.SHAKING}),
    ),
    "blindness": (
        "Blindness", "problem", frozenset({AlertKind.BLIND, AlertKind.FROZEN, AlertKind.FLICKERING}),
    ),
    "connection": ("Connection", "connectivity", frozenset({AlertKind.OFFLINE})),
}  # fmt: skip
_ON_MEANS_WELL = frozenset({"connection"})


def sensor_state(sensor: str, kinds: frozenset[AlertKind]) -> str:
    """``ON`` or ``OFF``, of a camera that has open alerts of these kinds."""
    alarmed = bool(SENSORS[sensor][2] & kinds)
    return ON if alarmed != (sensor in _ON_MEANS_WELL) else OFF


def event_type(kind: AlertKind, *, over: bool) -> str:
    """What Home Assistant is told that has happened: the kind of the alert, and whether it is over."""
    return f"{kind.value}{OVER}" if over else kind.value


def device(camera: Camera, topics: Topics, page: str | None) -> dict[str, Any]:
    """The announcement of a camera. ``page``: the public address, where it is known."""
    known = {
        "identifiers": [f"patchwatch_{camera.id}"],
        "name": one_line(camera.name, _LONGEST_NAME) or camera.id,
        "manufacturer": "Patchwatch", "model": f"camera, profile {camera.profile}", "sw_version": __version__,
    }  # fmt: skip
    return {
        "device": known | ({"configuration_url": page} if page else {}),
        "origin": {"name": "Patchwatch", "sw_version": __version__, "support_url": PROJECT_URL},
        "availability_topic": topics.availability,
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "qos": 1,
        "components": _components(camera.id, topics),
    }


def _components(camera_id: str, topics: Topics) -> dict[str, dict[str, Any]]:
    components: dict[str, dict[str, Any]] = {
        sensor: {
            "platform": "binary_sensor", "name": name, "device_class": device_class,
            "state_topic": topics.of_camera(camera_id, sensor), "payload_on": ON, "payload_off": OFF,
        }
        for sensor, (name, device_class, _) in SENSORS.items()
    }  # fmt: skip
    components["event"] = {
        "platform": "event", "name": "Alert", "state_topic": topics.of_camera(camera_id, "event"),
        "event_types": [event_type(kind, over=over) for kind in AlertKind for over in (False, True)],
    }  # fmt: skip
    components["score"] = {
        "platform": "sensor", "name": "Score", "state_class": "measurement", "suggested_display_precision": 2,
        "icon": "mdi:gauge", "state_topic": topics.of_camera(camera_id, "score"),
    }  # fmt: skip
    components["mute"] = {
        "platform": "switch", "name": "Mute", "icon": "mdi:bell-off", "payload_on": ON, "payload_off": OFF,
        "state_topic": topics.of_camera(camera_id, "mute"), "command_topic": topics.mute_command(camera_id),
    }  # fmt: skip
    return {name: one | {"unique_id": f"patchwatch_{camera_id}_{name}"} for name, one in components.items()}
