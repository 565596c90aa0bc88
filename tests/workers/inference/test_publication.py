"""When the status of a camera's analysis is published again although nothing of it has changed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest

from patchwatch.bus.clock import BusClock
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from workers.inference.camera_registry import CameraRegistry
from workers.inference.camera_state import CameraState

NOTHING = cast(Any, None)


@pytest.mark.parametrize(
    ("age_s", "reconfigured", "again"),
    [(1.0, False, False), (1.0, True, False), (10.0, False, False), (10.0, True, True), (31.0, False, True)],
)
def test_what_redis_may_have_lost_is_published_soon_after_the_configuration_changed(
    tmp_path: Path, age_s: float, reconfigured: bool, again: bool
) -> None:
    """A Redis that lost everything has lost the configuration too, or got it back with another revision."""
    settings = Settings(redis_url="redis://127.0.0.1:1/0", data_dir=tmp_path)
    registry = CameraRegistry(NOTHING, settings, NOTHING, NOTHING, NOTHING, NOTHING, BusClock())
    state = CameraState(Camera(id="cam"), CameraKeys.for_camera("cam", 2), b"lease")
    state.bank.status = AnalysisStatus(camera_id="cam", state=AnalysisState.SCORING, profile="motion", updated_at_ms=1)
    assert registry._publication(state, lambda _: {}) is not None, "it is new"
    status, _, revision = registry._published["cam"]
    registry._published["cam"] = status, time.monotonic() - age_s, revision
    registry._revision = b"2" if reconfigured else revision
    assert (registry._publication(state, lambda _: {}) is not None) is again
