"""Whatever runs a network, its output is that of the module itself."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import parts
import pytest

parts.torch()
import torch  # noqa: E402
from real_frames import PERSONS, frames_of, networks_for  # noqa: E402

from models.frames.detections import Detections  # noqa: E402
from models.frames.frame import Frame  # noqa: E402
from models.networks.backbone import Backbone, random_trunk  # noqa: E402
from models.runtimes import device  # noqa: E402
from models.runtimes.device import Compute, choose_compute, for_detector  # noqa: E402
from models.runtimes.device_batch import DeviceBatch  # noqa: E402
from patchwatch.contract.errors import ConfigurationError  # noqa: E402

EXACT = Compute(torch.device("cpu"), torch.float32)


def embedded(compute: Compute) -> list[np.ndarray]:
    """Vectors of batches of several sizes, through one network."""
    noise = np.random.default_rng(5)
    pictures = [noise.integers(0, 256, (90 + 30 * n, 160, 3), np.uint8) for n in range(3)]
    backbone, result = Backbone(random_trunk(3), compute), []
    for count in (3, 1):
        whole, crops = backbone.embed(
            DeviceBatch.upload(pictures[:count]), [np.array([[10, 10, 60, 80]], np.float32)] * count
        )
        result.append(np.concatenate([whole, *crops]))
    return result


@cache
def embedded_by_torch() -> list[np.ndarray]:
    return embedded(EXACT)


@pytest.mark.openvino
@pytest.mark.parametrize(("precision", "within"), [("fp32", 1e-4), ("auto", 1e-2)])
def test_openvino_embeds_what_torch_embeds(precision: str, within: float) -> None:
    compute = choose_compute("openvino", precision)  # type: ignore[arg-type]
    for mine, expected in zip(embedded(compute), embedded_by_torch(), strict=True):
        gap = np.linalg.norm(mine - expected, axis=1) / np.linalg.norm(expected, axis=1)
        assert gap.max() < within


def frames_of_two_sizes(data: Path) -> list[Frame]:
    return [*frames_of(data / PERSONS, 120, 200, 3), *frames_of(data / PERSONS, 120, 200, 2, 400)]


@cache
def found_by_torch(data: Path) -> list[Detections]:
    return networks_for(data).detect(frames_of_two_sizes(data))


@pytest.mark.openvino
@pytest.mark.parametrize(("precision", "within_px"), [("fp32", 0.1), ("auto", 4.0)])
def test_openvino_finds_what_torch_finds(data: Path, precision: str, within_px: float) -> None:
    actual = networks_for(data, precision, "openvino").detect(frames_of_two_sizes(data))
    assert sum(map(len, actual)) >= 2
    for mine, expected in zip(actual, found_by_torch(data), strict=True):
        assert mine.labels == expected.labels
        np.testing.assert_allclose(mine.boxes_xyxy_px, expected.boxes_xyxy_px, atol=within_px)
        np.testing.assert_allclose(mine.confidences, expected.confidences, atol=0.05)


@pytest.mark.openvino
def test_openvino_finds_the_same_to_the_last_bit_in_any_batch(data: Path) -> None:
    networks, frames = networks_for(data, "auto", "openvino"), frames_of_two_sizes(data)
    alone = [networks.detect([frame])[0] for frame in frames]
    for mine, expected in zip(networks.detect(frames), alone, strict=True):
        np.testing.assert_array_equal(mine.boxes_xyxy_px, expected.boxes_xyxy_px)
        np.testing.assert_array_equal(mine.confidences, expected.confidences)


@pytest.mark.openvino
def test_by_default_openvino_runs_the_detector_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert for_detector(EXACT).runtime == "openvino"
    assert for_detector(EXACT, "cpu").runtime == "torch"
    assert for_detector(Compute(torch.device("cuda"), torch.float16)).runtime == "torch"
    monkeypatch.setattr(device, "installed", lambda name: False)
    assert for_detector(EXACT).runtime == "torch"


def test_an_absent_openvino_is_not_replaced_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install '\.\[openvino\]'"):
        choose_compute("openvino")
