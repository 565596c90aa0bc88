"""A night with many alerts on many cameras, to review in the morning."""

from __future__ import annotations

from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import AlertState

CAMERAS = ("gate", "yard", "door", "hall", "ramp", "shop", "till", "store", "roof", "dock", "lift", "stairs")
ALERTS = 40


def busy_night(world: World, began_ms: int) -> list[str]:
    """Twelve cameras, forty alerts within two minutes from ``began_ms`` on, each with picture and explanation. Returns
    their ids, newest first; every third one lies in the zone ``porch``."""
    for camera_id in CAMERAS:
        world.camera(camera_id)
        world.capture(camera_id)
    ids = []
    for number in range(ALERTS):
        camera_id, at_ms = CAMERAS[number % len(CAMERAS)], began_ms + number * 3000
        zones = ("porch",) if number % 3 == 0 else ()
        world.alert(at_ms, camera_id, state=AlertState.CLOSED, ended_at_ms=at_ms + 5000, zones=zones)
        ids.append(f"{camera_id}-{at_ms}")
        world.bus.set(keys.alert_picture(ids[-1]), world.picture)
        world.bus.set(keys.alert_explanation(ids[-1]), world.explanation(camera_id).encode())
    return ids[::-1]
