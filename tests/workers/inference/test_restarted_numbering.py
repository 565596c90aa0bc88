"""A camera that was removed and added between two looks at the configuration is found out by its frames."""

from __future__ import annotations

from typing import Any, cast

import pytest

from patchwatch.bus.clock import BusClock
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.cameras.camera import Camera
from workers.inference.camera_registry import CameraRegistry
from workers.inference.camera_state import CameraState

NOTHING = cast(Any, None)


def test_quiet_cameras_are_asked_about_together_and_those_that_count_anew_are_forgotten(
    queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of thousands that are offline would be a way to Redis and back in every second."""
    registry = CameraRegistry(queue.client, queue.settings, NOTHING, NOTHING, NOTHING, NOTHING, BusClock())
    for name, newest in (("anew", 3), ("goes-on", 10), ("never-seen", None), ("has-frames", 3)):
        state = CameraState(Camera(id=name), CameraKeys.for_camera(name, 2), b"lease", position=10)
        if newest is not None:
            queue.client.xadd(state.keys.frames, {"h": ""}, id=f"{newest}-0")
        if name != "has-frames":
            state.last_taken_s -= 3600
        registry.states[name] = state
    monkeypatch.setattr(queue.client, "execute_command", lambda *_, **__: pytest.fail("asked about one alone"))
    registry._revision = b"7"
    registry.forget_restarted()
    assert list(registry.states) == ["goes-on", "never-seen", "has-frames"]
    assert registry._revision is None, "it is adopted by the next refresh"
