"""Where a view begins, or begins anew, no anomaly opens for a moment: streams that average have little to average."""

from __future__ import annotations

import json

from static_view import FPS, noisy, shots, view, watched

from models.alarms.event_detector import AlertGate
from models.frames.frame import Frame
from models.frames.optical_flow import MAX_GAP_S
from models.tampering.detector import TamperingDetector

VIEW = view()


def test_no_anomaly_opens_in_the_first_second_of_a_view() -> None:
    watch = TamperingDetector()
    for start_s in (0.0, 100.0):
        gates = [watch.observe(Frame(VIEW, start_s + n / FPS)).gate for n in range(2 * FPS)]
        assert gates == [AlertGate.HOLD] * FPS + [AlertGate.OPEN] * FPS


def test_after_a_reconnect_no_anomaly_opens_for_a_moment() -> None:
    watch = TamperingDetector()
    watch.observe(Frame(VIEW, 0.0, discontinuity=True))
    assert watch.observe(Frame(VIEW, 1.2)).gate is AlertGate.OPEN, "nothing was before it"
    later = [watch.observe(Frame(VIEW, 4.0 + n / FPS, discontinuity=n == 0)).gate for n in range(4 * FPS)]
    assert later == [AlertGate.HOLD] * (3 * FPS) + [AlertGate.OPEN] * FPS


def test_no_anomaly_opens_right_after_a_gap_across_which_nothing_is_compared() -> None:
    """Frames lost on the way are no discontinuity of the source: streams begin anew all the same."""
    for gap_s, gate in ((MAX_GAP_S, AlertGate.OPEN), (2.6, AlertGate.HOLD)):
        watch = TamperingDetector()
        watched(watch, shots(VIEW, 3))
        watch = restarted(watch)
        after_s = 3.0 - 1 / FPS + gap_s
        gates = [watch.observe(Frame(noisy(VIEW, n), after_s + n / FPS)).gate for n in range(2 * FPS)]
        assert gates == [gate] * FPS + [AlertGate.OPEN] * FPS


def test_anomalies_open_where_all_pictures_are_that_far_apart() -> None:
    watch = TamperingDetector()
    gates = [watch.observe(Frame(noisy(VIEW, n), 2.0 * n)).gate for n in range(9)]
    assert gates == [AlertGate.HOLD] * 2 + [AlertGate.OPEN] * 7


def restarted(watch: TamperingDetector) -> TamperingDetector:
    again = TamperingDetector()
    again.restore(json.loads(json.dumps(watch.state())))
    return again
