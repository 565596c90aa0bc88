"""The thresholds of budgets that are not in force are computed when nothing waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from worker_thread import in_thread

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from workers.analysis.threshold_message import curve_of
from workers.inference.worker import InferenceWorker

NAMES = ("cam", "other", "third")


def test_a_camera_is_not_kept_waiting_by_the_thresholds_of_another(
    enrolled: Any, bank: Bank, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def noted(model: Any) -> Any:
        loading.append(sum(state.bank.loading for state in worker._cameras))
        return curve_of(model)

    def complete() -> bool:
        stored = enrolled.client.mget([CameraKeys.for_camera(name, 2).analysis for name in NAMES])
        return all(data and len(AnalysisStatus.decode(data).thresholds) == 5 for data in stored)

    loading: list[int] = []
    monkeypatch.setattr("workers.inference.worker._LOAD_FOR_S", 0.0)  # one bank at a time
    monkeypatch.setattr("workers.inference.camera_bank.curve_of", noted)
    for name in NAMES[1:]:
        save_bank(bank, enrolled.settings.bank_path(name, "motion"))
        enrolled.client.hset(keys.CAMERAS, name, Camera(id=name, source="push:").encode())
    worker = InferenceWorker(enrolled.settings)
    with in_thread(worker):
        until(complete)
    assert loading == [0, 0, 0]
