"""How the soak judges: memory that grows, and which alerts belong to which anomaly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from memory import slope

from bench.soak import Anomaly, Diary, alerted

MINUTE_S = 60.0


def life(mib_per_minute: float, seed: int) -> np.ndarray:
    """Ten minutes of a process whose memory also comes and goes in steps."""
    at_s = np.arange(0.0, 10 * MINUTE_S, 2.0)
    generator = np.random.default_rng(seed)
    steps = np.repeat(generator.normal(0.0, 0.3, 20), len(at_s) // 20)
    return np.column_stack([at_s, 80.0 + mib_per_minute / MINUTE_S * at_s + steps])


def test_memory_that_comes_and_goes_does_not_grow() -> None:
    result = [slope([life(0.0, seed), life(0.0, seed + 1)]) for seed in range(0, 40, 2)]
    assert sum(one is not None and one.low_mib > 0.02 for one in result) <= 1


def test_a_leak_is_seen_and_its_size_reported() -> None:
    result = slope([life(1.0, 1), life(1.0, 2)])
    assert result is not None
    assert result.low_mib > 0.02
    assert result.per_minute_mib == pytest.approx(1.0, abs=0.2)


def test_too_short_a_life_tells_nothing() -> None:
    assert slope([]) is None


class Feed:
    """Alerts of camera ``gate`` that opened so many seconds after the epoch."""

    def __init__(self, *opened_s: int) -> None:
        self.messages = [_message(at_s) for at_s in opened_s]


def _message(at_s: int) -> dict[str, Any]:
    started = f"1970-01-01T00:{at_s // 60:02}:{at_s % 60:02}.000Z"
    return {"alert": {"id": f"gate-{at_s}", "camera_id": "gate", "kind": "anomaly", "started": started}}


def judged(*opened_s: int) -> dict[str, Any]:
    """An anomaly at 100 to 103 s, and a fault until 50 s."""
    return alerted(Diary(anomalies=[Anomaly("gate", 100.0, 103.0)], disturbed=[(0.0, 50.0)]), Feed(*opened_s))  # type: ignore[arg-type]


def test_an_anomaly_alerted_once_is_all_right() -> None:
    result = judged(101)
    assert (result["missed"], result["repeated"], result["after_a_fault"], result["unfounded"]) == ([], [], [], [])


def test_an_anomaly_without_an_alert_is_missed_and_one_with_two_repeated() -> None:
    assert len(judged()["missed"]) == 1
    assert len(judged(100, 102)["repeated"]) == 1


def test_an_alert_besides_is_unfounded_unless_a_fault_was_going_on() -> None:
    result = judged(20, 80, 101)
    assert (result["after_a_fault"], result["unfounded"]) == (["gate-20"], ["gate-80"])
