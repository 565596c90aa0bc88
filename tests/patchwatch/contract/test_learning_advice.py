"""The length of footage that is advised is enough for the default settings, and is written in one place."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from models.alarms.alarm_threshold import ThresholdModel
from patchwatch.contract.learning_advice import LEAST_MINUTES, how_to_learn
from patchwatch.contract.settings import Settings

ROOT = Path(__file__).parents[3]
_LOST = 0.1  # of live footage at most: pauses of the camera, edges of what is held out


def test_what_is_advised_is_enough_for_the_default_alarm_budget() -> None:
    model = ThresholdModel(np.array([0.5, 0.2]), footage_s=60.0 * LEAST_MINUTES * (1.0 - _LOST))
    assert model.at(Settings(_env_file=None).false_alarms_per_day).warning is None


def test_nobody_else_names_a_length() -> None:
    rooms = (ROOT / room for room in ("patchwatch", "models", "workers", "service"))
    texts = {path: path.read_text() for room in rooms for path in room.rglob("*.py")}
    assert [path.name for path, text in texts.items() if re.search(r"--live \d|(?i:ten minutes or more)", text)] == []
    assert f"--live {60 * LEAST_MINUTES}" in (ROOT / "README.md").read_text()


def test_without_a_profile_it_is_the_cameras_own() -> None:
    assert "profile" not in how_to_learn("gate")
    assert 'with {"profile": "clip", "live_seconds": 900}' in how_to_learn("gate", "clip")
