"""Detection: the same boxes as ultralytics' own predictor, for any mix of picture sizes, in the picture's pixels."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import parts
import pytest

parts.torch()
import torch  # noqa: E402
from real_frames import CARS, DETECTOR, PERSONS, frames_of, networks_for  # noqa: E402
from slow_reference import slow_boxes  # noqa: E402

from models.frames.detections import DetectionQuery, Detections  # noqa: E402
from models.frames.frame import Frame  # noqa: E402
from models.networks.detector import Letterbox, load_detector  # noqa: E402
from models.runtimes.device import choose_compute  # noqa: E402
from models.runtimes.device_batch import DeviceBatch  # noqa: E402
from models.weights.ultralytics_import import import_ultralytics  # noqa: E402
from patchwatch.contract.errors import ConfigurationError  # noqa: E402


def sorted_boxes(boxes: np.ndarray) -> np.ndarray:
    return boxes[np.lexsort(boxes.T)]


def frames_with_persons(data: Path, width: int) -> tuple[Frame, ...]:
    return frames_of(data / PERSONS, 120, 200, 3, width)


@cache
def expected_boxes(data: Path, width: int) -> list[np.ndarray]:
    return [slow_boxes(data / DETECTOR, frame.rgb) for frame in frames_with_persons(data, width)]


@pytest.mark.parametrize(("precision", "within_px"), [("fp32", 2.0), ("auto", 4.0)])
@pytest.mark.parametrize("width", [768, 640, 400])
def test_finds_what_ultralytics_finds(data: Path, precision: str, within_px: float, width: int) -> None:
    actual = networks_for(data, precision).detect(frames_with_persons(data, width))
    assert sum(map(len, actual)) >= 2
    for expected, detections in zip(expected_boxes(data, width), actual, strict=True):
        assert len(detections) == len(expected)
        assert set(detections.labels) <= {"person"}
        if len(expected):
            gap = np.abs(sorted_boxes(detections.boxes_xyxy_px) - sorted_boxes(expected))
            assert gap.max() < within_px


def test_frames_of_many_sizes_are_found_as_if_alone(data: Path) -> None:
    frames = [
        *frames_of(data / PERSONS, 120, 200, 2, 640), *frames_of(data / PERSONS, 320, 200, 1, 320),
        *frames_of(data / CARS, 200, 50, 1, 768), Frame(np.zeros((1, 1, 3), np.uint8), 0.0),
        Frame(np.zeros((640, 40, 3), np.uint8), 0.0),
    ]  # fmt: skip
    networks = networks_for(data)
    for frame, detections in zip(frames, networks.detect(frames), strict=True):
        (alone,) = networks.detect([frame])
        assert alone.labels == detections.labels
        np.testing.assert_allclose(alone.boxes_xyxy_px, detections.boxes_xyxy_px, atol=0.05)


def test_classes_and_confidence_are_the_callers_choice(data: Path) -> None:
    compute = choose_compute("cpu", "fp32")
    frames = frames_of(data / CARS, 60, 30, 2)  # cars from above: this network says cell phone
    rgb = DeviceBatch.upload([frame.rgb for frame in frames])
    everything = load_detector(data / DETECTOR, compute, classes=(), confidence=0.25).detect(rgb)
    phones = load_detector(data / DETECTOR, compute, classes=("cell phone",), confidence=0.25).detect(rgb)
    sure = load_detector(data / DETECTOR, compute, classes=(), confidence=0.6).detect(rgb)
    assert [item.labels for item in everything] == [("toilet",), ("cell phone",)]
    assert [item.labels for item in phones] == [(), ("cell phone",)]
    assert [item.labels for item in sure] == [(), ("cell phone",)]
    assert DetectionQuery(("cell phone",), 0.6).match(everything[1]).tolist() == [0]
    assert DetectionQuery(("cell phone",), 0.99).match(everything[1]).tolist() == []


def test_refuses_a_class_the_detector_does_not_know(data: Path) -> None:
    with pytest.raises(ConfigurationError, match="no class 'dragon'"):
        load_detector(data / DETECTOR, choose_compute("cpu"), classes=("dragon",), confidence=0.5)


def test_refuses_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "text.pt"
    path.write_text("not weights")
    with pytest.raises(ConfigurationError, match="not an ultralytics YOLO detection checkpoint"):
        load_detector(path, choose_compute("cpu"), classes=(), confidence=0.5)


def test_refuses_a_state_dict(tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "state.pt")
    with pytest.raises(ConfigurationError, match="PATCHWATCH_DETECTOR_WEIGHTS"):
        load_detector(tmp_path / "state.pt", choose_compute("cpu"), classes=(), confidence=0.5)


def test_refuses_a_network_for_another_task(tmp_path: Path) -> None:
    import_ultralytics()
    from ultralytics import YOLO

    YOLO("yolov8n-cls.yaml", verbose=False).save(tmp_path / "classifier.pt")
    with pytest.raises(ConfigurationError, match="ClassificationModel for the task 'classify'"):
        load_detector(tmp_path / "classifier.pt", choose_compute("cpu"), classes=(), confidence=0.5)


@pytest.mark.parametrize(("height", "width"), [(360, 640), (432, 768), (1080, 1920), (500, 90), (1, 1), (33, 640)])
def test_a_box_returns_from_the_letterbox_to_where_it_was(height: int, width: int) -> None:
    letterbox = Letterbox.for_picture(height, width, 32)
    assert letterbox.input_width % 32 == letterbox.input_height % 32 == 0
    placed = letterbox.apply(torch.zeros(1, 3, height, width))
    assert placed.shape[2:] == (letterbox.input_height, letterbox.input_width)
    source = np.array([[0.1 * width, 0.2 * height, 0.7 * width, 0.9 * height]], np.float32)
    offset = np.array([letterbox.left, letterbox.top] * 2)
    inside = source * np.array([letterbox.scale_x, letterbox.scale_y] * 2) + offset
    np.testing.assert_allclose(letterbox.to_source(inside.astype(np.float32), height, width), source, rtol=1e-4)


def test_detections_check_their_shape() -> None:
    with pytest.raises(ValueError, match="1 labels"):
        replace(Detections.none(), labels=("person",))


@pytest.mark.usefixtures("gpu")
def test_a_gpu_finds_what_the_cpu_finds(data: Path) -> None:
    frames = frames_of(data / PERSONS, 120, 200, 3)
    there = networks_for(data, "auto", "cuda").detect(frames)
    for mine, expected in zip(there, networks_for(data).detect(frames), strict=True):
        assert mine.labels == expected.labels
        np.testing.assert_allclose(mine.boxes_xyxy_px, expected.boxes_xyxy_px, atol=4.0)
