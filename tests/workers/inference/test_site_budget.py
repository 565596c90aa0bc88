"""What a camera may spend of the site's budget sets its level, but not while an event is open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.alarms.alarm_threshold import ThresholdModel
from models.alarms.event_detector import Event
from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from models.engine.engine import Engine
from patchwatch.messages.cameras.budget import Allotment
from patchwatch.messages.cameras.camera import Camera
from workers.inference.alerts import AnomalyAlert, ConditionAlerts
from workers.inference.camera_bank import CameraBank


class OneEngine:
    """Has it loaded."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, profile: str) -> Engine:
        return self._engine


@pytest.fixture
def followed(queue: Any, bank: Bank) -> Any:
    varied = replace(bank, threshold=ThresholdModel(np.linspace(0.9, 0.3, 20), 3600.0))
    save_bank(varied, queue.settings.bank_path("cam", "motion"))
    engines: Any = OneEngine(Engine(bank.profile))
    camera_bank = CameraBank(Camera(id="cam"), AnomalyAlert(), ConditionAlerts())

    def budget(allotted: float | None = None, own: float | None = None) -> float:
        """The budget in force once the camera is configured like this."""
        allotment = None if allotted is None else Allotment(per_day=2 * allotted, share=1.0, level_per_day=allotted)
        camera_bank.reconfigure(Camera(id="cam", allotment=allotment, false_alarms_per_day=own))
        assert camera_bank.refresh(queue.settings, engines) == []
        assert camera_bank.scorer is not None
        in_force = camera_bank._false_alarms_per_day
        assert camera_bank.scorer.rule.on == varied.threshold.rule(in_force).on
        return in_force

    return camera_bank, budget


def open_event(camera_bank: CameraBank, opened: bool) -> None:
    events = camera_bank.scorer._events  # type: ignore[union-attr]
    if opened:
        for at_s in (0.0, 1.0):
            events.update(at_s, 0.99, "motion", None)
        assert isinstance(events.open_event, Event)
    else:
        events.finish()


def test_own_budget_first_then_the_sites_then_the_installations(queue: Any, followed: Any) -> None:
    _, budget = followed
    assert budget() == queue.settings.false_alarms_per_day
    assert budget(allotted=100.0) == 100.0
    assert budget(allotted=100.0, own=300.0) == 300.0


def test_another_allotment_waits_until_no_event_is_open(followed: Any) -> None:
    camera_bank, budget = followed
    assert budget(allotted=100.0) == 100.0
    open_event(camera_bank, True)
    assert budget(allotted=400.0) == 100.0
    open_event(camera_bank, False)
    assert budget(allotted=400.0) == 400.0


def test_an_operators_change_does_not_wait(followed: Any) -> None:
    camera_bank, budget = followed
    budget(allotted=100.0)
    open_event(camera_bank, True)
    assert budget(allotted=100.0, own=400.0) == 400.0
    assert camera_bank.scorer.open_event is not None
