from __future__ import annotations

from patchwatch.messages.status import AnalysisState, CaptureState
from service.health import Health


def test_every_state_of_the_workers_has_its_word() -> None:
    words = {health.value for health in Health}
    assert {state.value for state in CaptureState} - {CaptureState.LIVE.value} <= words
    assert {state.value for state in AnalysisState} - {AnalysisState.SCORING.value} <= words
