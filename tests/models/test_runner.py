"""Whatever runs a network, its output is that of the module itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import parts
import pytest

torch = parts.torch()

from real_frames import DETECTOR, PERSONS, frames_of, networks_for  # noqa: E402

from models.backbone import Backbone, random_trunk  # noqa: E402
from models.cuda_graphs import BUCKETS, CudaGraphs, bucket, tensors_of  # noqa: E402
from models.detector import load_detector  # noqa: E402
from models.device import Compute, choose_compute  # noqa: E402
from models.pictures import Pictures  # noqa: E402
from models.runner import Eager  # noqa: E402
from patchwatch.errors import ConfigurationError  # noqa: E402

EXACT = Compute(torch.device("cpu"), torch.float32)


@pytest.mark.openvino
@pytest.mark.parametrize(("precision", "within"), [("fp32", 1e-4), ("auto", 1e-2)])
def test_openvino_embeds_what_torch_embeds(precision: str, within: float) -> None:
    noise = np.random.default_rng(5)
    pictures = [noise.integers(0, 256, (90 + 30 * n, 160, 3), np.uint8) for n in range(3)]
    compute = choose_compute("openvino", precision)  # type: ignore[arg-type]
    both = Backbone(random_trunk(3), compute), Backbone(random_trunk(3), EXACT)
    for count in (3, 1):  # of one compiled model
        boxes = [np.array([[10, 10, 60, 80]], np.float32)] * count
        some = Pictures.upload(pictures[:count])
        mine, expected = (np.concatenate([whole, *crops]) for whole, crops in (of.embed(some, boxes) for of in both))
        gap = np.linalg.norm(mine - expected, axis=1) / np.linalg.norm(expected, axis=1)
        assert gap.max() < within


@pytest.mark.openvino
@pytest.mark.parametrize(("precision", "within_px"), [("fp32", 0.1), ("auto", 4.0)])
def test_openvino_finds_what_torch_finds(data: Path, precision: str, within_px: float) -> None:
    wide, small = frames_of(data / PERSONS, 120, 200, 3), frames_of(data / PERSONS, 120, 200, 2, 400)
    frames = [*wide, *small]
    found = networks_for(data, precision, "openvino").detect(frames)
    assert sum(map(len, found)) >= 2
    for mine, expected in zip(found, networks_for(data).detect(frames), strict=True):
        assert mine.labels == expected.labels
        np.testing.assert_allclose(mine.boxes_xyxy_px, expected.boxes_xyxy_px, atol=within_px)
        np.testing.assert_allclose(mine.confidences, expected.confidences, atol=0.05)


def test_an_absent_openvino_is_not_replaced_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'patchwatch\[openvino\]'"):
        choose_compute("openvino")


@pytest.mark.parametrize(("count", "size"), [(1, 1), (3, 4), (64, 64), (65, 96), (257, 0)])
def test_a_batch_takes_the_smallest_graph_that_holds_it(count: int, size: int) -> None:
    assert bucket(count) == size
    assert sorted(BUCKETS) == list(BUCKETS)


def test_what_cannot_be_recorded_runs_as_it_comes_and_is_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: CudaGraphs, pictures: torch.Tensor) -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(CudaGraphs, "_record", refuse)
    graphs = CudaGraphs(Eager(torch.nn.Flatten(), EXACT))
    for _ in range(2):
        assert graphs(torch.ones(3, 2, 2)).tolist() == [[1.0] * 4] * 3
    assert [record.message for record in caplog.records] == [
        "pictures (4, 2, 2) run without a CUDA graph: operation not permitted when stream is capturing"
    ]


def test_what_a_detection_head_made_for_a_shape_is_kept_alive(data: Path) -> None:
    run = load_detector(data / DETECTOR, EXACT, classes=(), confidence=0.5).run
    assert isinstance(run, Eager)
    run(torch.zeros(1, 3, 384, 640))
    (anchors,) = [part.anchors for part in run.module.modules() if torch.is_tensor(getattr(part, "anchors", None))]
    assert any(kept is anchors for kept in tensors_of(run.module))


@pytest.mark.usefixtures("gpu")
def test_graphs_replay_what_the_modules_do(data: Path) -> None:
    compute = choose_compute("cuda", "fp32")
    detector = load_detector(data / DETECTOR, compute, classes=(), confidence=0.5)
    trunk = Backbone(random_trunk(3), compute)
    shapes = [(3, 384, 640), (3, 224, 384), (3, 384, 640)]  # back to a shape whose anchors have been replaced
    for graphs, of in ((detector.run, shapes), (trunk.run, [(3, 224, 224)])):
        assert isinstance(graphs, CudaGraphs)
        for shape in of:
            for count in (1, 3, 4, 3):
                pictures = torch.rand((bucket(count), *shape), device=compute.device)
                expected = graphs._held(pictures)[:count]
                torch.testing.assert_close(graphs(pictures[:count]), expected, rtol=1e-2, atol=1e-2)
