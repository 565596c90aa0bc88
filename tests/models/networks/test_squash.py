"""Pictures and boxes reach the trunk as Pillow would resize them, one by one or all together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import parts
import pytest

parts.torch()
import torch  # noqa: E402
from PIL import Image  # noqa: E402

from models.networks.squash import squash, squash_boxes, squash_together, whole_pixels  # noqa: E402

BOXES = [(0, 0, 160, 120), (3, 4, 40, 80), (10, 10, 11, 11), (100, 0, 160, 120), (150, 110, 160, 120), (0, 50, 160, 53)]


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)


def stack(*pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("box", [(-9, -9, -1, -1), (500, 500, 600, 600), (5.2, 5.2, 5.3, 5.3), (0, 0, 99, 99)])
def test_a_box_of_any_kind_yields_at_least_one_pixel(box: tuple[float, ...]) -> None:
    x1, y1, x2, y2 = whole_pixels(np.array(box, np.float32), 20, 30)
    assert 0 <= x1 < x2 <= 30
    assert 0 <= y1 < y2 <= 20


@pytest.mark.parametrize("shape", [(1, 1), (432, 768), (90, 33), (224, 224), (7, 900)])
def test_squashes_as_pillow_does(shape: tuple[int, int]) -> None:
    picture = noise(*shape)
    expected = np.asarray(Image.fromarray(picture).resize((224, 224), Image.Resampling.BILINEAR), np.int16)
    mine = squash(stack(picture))[0].permute(1, 2, 0).numpy()
    assert np.abs(mine - expected).max() <= 1


@pytest.mark.parametrize("squashing", [squash_boxes, squash_together])
def test_squashes_boxes_as_pillow_does(squashing: Callable[..., torch.Tensor]) -> None:
    pictures = noise(120, 160), noise(120, 160)[::-1]
    rows = [n % 2 for n in range(len(BOXES))]
    actual = squashing(stack(*pictures), rows, BOXES).permute(0, 2, 3, 1).numpy()
    assert actual.shape == (len(BOXES), 224, 224, 3)
    for mine, row, box in zip(actual, rows, BOXES, strict=True):
        cut = Image.fromarray(pictures[row]).crop(box)
        expected = np.asarray(cut.resize((224, 224), Image.Resampling.BILINEAR), np.int16)
        assert np.abs(mine - expected).max() <= 1


def test_no_boxes_yield_no_pictures() -> None:
    assert squash_boxes(stack(noise(20, 30)), [], []).shape == (0, 3, 224, 224)


@pytest.mark.usefixtures("gpu")
def test_a_gpu_squashes_as_a_cpu_does() -> None:
    pictures = stack(noise(120, 160))
    there = pictures.cuda()
    assert (squash(there).cpu().to(torch.int16) - squash(pictures).to(torch.int16)).abs().max() <= 1
    rows = [0] * len(BOXES)
    gap = squash_boxes(there, rows, BOXES).cpu().to(torch.int16) - squash_boxes(pictures, rows, BOXES).to(torch.int16)
    assert gap.abs().max() <= 1
