"""A batch's boxes are suppressed as ultralytics' own function does it, also where they come over in one transfer."""

from __future__ import annotations

from typing import Any

import numpy as np
import parts
import pytest

parts.torch()
import torch  # noqa: E402

from models.networks import nms  # noqa: E402
from models.networks.nms import already_suppressed, suppress  # noqa: E402
from models.weights.ultralytics_import import import_ultralytics  # noqa: E402


def outputs(pictures: int = 3, candidates: int = 400, classes: int = 5, seed: int = 3) -> torch.Tensor:
    """Crowded: boxes of 20 to 120 px on 300 px, a third of them above a confidence of 0.5."""
    noise = np.random.default_rng(seed)
    boxes = np.concatenate(
        [noise.uniform(0, 300, (pictures, 2, candidates)), noise.uniform(20, 120, (pictures, 2, candidates))], axis=1
    )
    scores = noise.uniform(0, 1, (pictures, classes, candidates)) ** 4
    return torch.from_numpy(np.concatenate([boxes, scores], axis=1).astype(np.float32))


def expected(
    candidates: torch.Tensor, confidence: float, classes: list[int] | None, **options: Any
) -> list[np.ndarray]:
    import_ultralytics()
    from ultralytics.utils.nms import non_max_suppression

    kept = non_max_suppression(candidates, confidence, nms.IOU, classes=classes, max_det=nms.MOST_BOXES, **options)
    return [rows.numpy() for rows in kept]


def assert_equal(mine: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    assert len(mine) == len(theirs)
    for result, rows in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(result, rows)


@pytest.mark.parametrize("confidence", [0.05, 0.25, 0.5, 0.999])
@pytest.mark.parametrize("classes", [None, [0], [1, 3]])
def test_keeps_what_ultralytics_keeps(confidence: float, classes: list[int] | None) -> None:
    actual = outputs()
    actual[1, 4:] = 0.0  # an empty picture in between
    assert_equal(suppress(actual, confidence, classes), expected(actual, confidence, classes, max_time_img=1e9))


@pytest.mark.parametrize("brought_over", [1024, 200, 20], ids=["all", "enough", "fewer than a crowd has"])
def test_the_one_transfer_of_a_gpu_keeps_the_same(brought_over: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nms, "_BROUGHT_OVER", brought_over)
    result = outputs()
    assert_equal(suppress(result.as_subclass(Elsewhere), 0.25, [0, 2]), suppress(result, 0.25, [0, 2]))


class Elsewhere(torch.Tensor):
    """On the CPU, but not by its word."""

    @property
    def device(self) -> Any:  # type: ignore[override]
        return type("Device", (), {"type": "cuda"})()

    def cpu(self, *_: Any, **__: Any) -> torch.Tensor:
        return self.as_subclass(torch.Tensor)


def test_no_pictures_and_no_boxes() -> None:
    assert [len(rows) for rows in suppress(torch.zeros(2, 9, 50), 0.25)] == [0, 0]
    assert suppress(torch.zeros(0, 9, 50), 0.25) == []


def test_what_a_network_suppressed_itself_is_only_chosen_from() -> None:
    rows = torch.tensor([[[0.0, 0, 9, 9, 0.9, 1], [1, 1, 8, 8, 0.8, 0], [2, 2, 7, 7, 0.1, 1]]])
    assert_equal(already_suppressed(rows, 0.25, [1]), expected(rows, 0.25, [1], end2end=True))
    assert_equal(already_suppressed(rows, 0.25), expected(rows, 0.25, None, end2end=True))
