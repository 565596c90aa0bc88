"""Cost by part."""

from __future__ import annotations

import time

import pytest
from moving_scene import scene

from models.engine.engine import Engine
from models.frames.frame import CameraContext, Frame
from patchwatch.evaluation.cost import CostMeter


def _work(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_metered_features_are_the_engine_s(engine: Engine) -> None:
    frames = [Frame(scene(n / 5), n / 5) for n in range(6)]
    plain, metered, meter = CameraContext(), CameraContext(), CostMeter()
    expected = engine.extract(frames, [plain] * 6)
    actual = meter.extract(engine, frames, metered)
    for one, other in zip(actual, expected, strict=True):
        assert (one[0].vectors == other[0].vectors).all()


def test_the_first_batch_is_left_out_and_flow_stands_apart_from_the_stream(engine: Engine) -> None:
    frames = [Frame(scene(n / 5), n / 5) for n in range(6)]
    view, meter = CameraContext(), CostMeter()
    meter.extract(engine, frames[:3], view)
    with pytest.raises(ValueError, match="no frame"):
        meter.cost("cpu")
    meter.extract(engine, frames[3:], view)
    with meter.scoring(1):
        _work(0.005)
    cost = meter.cost("cpu")
    assert cost.frames == 3
    assert cost.shared_ms["flow"] > 0
    assert cost.streams_ms["motion"] > 0
    assert cost.scoring_ms >= 5.0


def test_a_part_within_a_part_is_counted_once() -> None:
    meter = CostMeter()
    with meter.part(("stream", "outer")):
        _work(0.005)
        with meter.part(("shared", "inner")):
            _work(0.05)
    meter._extracted = meter._scored = 1
    with meter.scoring(0):
        pass
    cost = meter.cost("cpu")
    assert cost.shared_ms["inner"] >= 50
    assert 5 <= cost.streams_ms["outer"] < 50
