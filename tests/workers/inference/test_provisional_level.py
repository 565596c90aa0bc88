"""Whose bank scores at a provisional level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from patchwatch.messages.banks.arming import ArmingState
from patchwatch.messages.cameras.analysis_status import AnalysisStatus

Run = Callable[..., Any]


def test_a_bank_of_the_cameras_own_does_and_an_operators_does_not(
    queue: Any, bank: Bank, run_worker: Run, until: Run
) -> None:
    def uses(remembered: bool) -> None:
        footage = replace(bank.footage, remembered=remembered)
        save_bank(replace(bank, footage=footage), queue.settings.bank_path("cam", "motion"))
        until(lambda: scores_at(provisional=remembered))

    def scores_at(provisional: bool) -> bool:
        record = queue.client.get(queue.keys.analysis)
        status = AnalysisStatus.decode(record) if record else None
        if status is None or status.threshold is None:
            return False
        assert (status.arming is ArmingState.PROVISIONAL) is status.threshold.provisional
        return status.threshold.provisional is provisional

    queue.add_camera()
    with run_worker(queue.settings):
        uses(remembered=False)
        uses(remembered=True)
        queue.add_camera(self_arm=False)
        until(lambda: scores_at(provisional=False))
