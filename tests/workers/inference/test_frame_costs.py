from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from workers.inference import frame_costs
from workers.inference.frame_costs import FrameCosts


class Clock:
    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(frame_costs, "time", clock)
    return clock


def camera(profile: str = "motion", *, scored: bool = True) -> Any:
    bank = SimpleNamespace(scorer=object() if scored else None, learner=object())
    return SimpleNamespace(camera=SimpleNamespace(profile=profile), bank=bank)


def frames(state: Any, count: int, late: int = 0) -> Any:
    return [SimpleNamespace(state=state, message=object(), late=number < late) for number in range(count)]


def test_a_frame_costs_what_turns_took_but_for_the_first(clock: Clock) -> None:
    costs, state = FrameCosts(), camera()
    costs.record_turn(frames(state, 4), 9.0, learns=True)
    assert "frame_load" not in costs.loads_of(state)
    for _ in range(10):
        clock.now_s += 1
        costs.record_turn(frames(state, 6, late=2), 0.04, learns=True)
    assert costs.loads_of(state)["frame_load"] == pytest.approx(0.01)  # late frames are passed over, not analysed
    assert costs.loads_of(camera("clip")) == {}


def test_what_was_measured_last_is_kept_and_makes_room_for_what_is_measured(clock: Clock) -> None:
    costs, state = FrameCosts(), camera()
    for _ in range(20):
        costs.record_turn(frames(state, 1), 0.01, learns=True)
    clock.now_s += 7 * 86_400
    assert costs.loads_of(state)["frame_load"] == pytest.approx(0.01)
    for _ in range(300):
        clock.now_s += 1
        costs.record_turn(frames(state, 1), 0.02, learns=True)
    assert costs.loads_of(state)["frame_load"] == pytest.approx(0.02, rel=0.02)


def test_learning_counts_where_nothing_is_scored_and_only_while_there_is_time_for_it(clock: Clock) -> None:
    costs, learning = FrameCosts(), camera(scored=False)
    for _ in range(3):
        costs.record_turn(frames(learning, 1), 0.03, learns=True)
        costs.record_turn(frames(learning, 1), 0.001, learns=False)
    assert costs.loads_of(learning)["frame_load"] == pytest.approx(0.03)
    for _ in range(3):
        costs.record_turn(frames(camera(), 1), 0.04, learns=True)
    assert costs.loads_of(learning)["frame_load"] == pytest.approx(0.04)


def test_the_load_is_the_share_of_time_and_upkeep_is_shared_by_the_cameras(clock: Clock) -> None:
    costs, state = FrameCosts(), camera()
    for _ in range(30):
        clock.now_s += 1
        costs.record_turn(frames(state, 5), 0.5, learns=True)
        costs.record_upkeep(10, 0.1)
    assert costs.load == pytest.approx(0.6, abs=0.01)
    assert costs.loads_of(state)["camera_load"] == pytest.approx(0.01)
