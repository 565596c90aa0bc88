"""What moves without being detected becomes a box of its own."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import detections

from models.frames.detections import MOVER
from models.frames.frame import Frame
from models.frames.moving_regions import find_moving_regions
from models.frames.optical_flow import Flow

FRAME = Frame(np.zeros((240, 360, 3), np.uint8), 1.0)
LARGE = Frame(np.zeros((480, 720, 3), np.uint8), 1.0)


def _flow(*patches: tuple[int, int, int, int], speed: float = 0.1) -> Flow:
    velocity = np.zeros((240, 360, 2), np.float32)
    for x1, y1, x2, y2 in patches:
        velocity[y1:y2, x1:x2, 0] = speed
    return Flow(velocity, 0.8, 1.0)


def test_a_moving_patch_is_found_with_its_box_in_pixels_of_the_frame() -> None:
    result = find_moving_regions(LARGE, _flow((50, 60, 90, 100)), detections())
    assert result.labels == (MOVER,)
    assert result.boxes_xyxy_px[0].tolist() == pytest.approx([100, 120, 180, 200], abs=2)
    assert result.confidences.tolist() == [1.0]


def test_the_largest_comes_first() -> None:
    result = find_moving_regions(FRAME, _flow((10, 10, 30, 30), (100, 100, 160, 160)), detections())
    assert [int(box[0]) for box in result.boxes_xyxy_px] == [100, 10]


def test_what_a_detection_covers_is_no_mover_of_its_own() -> None:
    flow = _flow((50, 60, 90, 100))
    assert len(find_moving_regions(FRAME, flow, detections(("person", 0.9, (48, 55, 92, 105))))) == 0
    assert len(find_moving_regions(FRAME, flow, detections(("person", 0.1, (48, 55, 92, 105))))) == 1
    assert len(find_moving_regions(FRAME, flow, detections(("person", 0.9, (200, 55, 240, 105))))) == 1


def test_specks_and_slow_drift_are_nothing() -> None:
    assert len(find_moving_regions(FRAME, _flow((50, 60, 55, 65)), detections())) == 0
    assert len(find_moving_regions(FRAME, _flow((50, 60, 120, 120), speed=0.01), detections())) == 0


def test_without_flow_nobody_moves() -> None:
    assert len(find_moving_regions(FRAME, None, detections())) == 0
