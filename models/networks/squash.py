"""Whole pictures and boxes in them, resized to the trunk's input without regard to their shape, as Pillow does it.

Pillow resizes columns first, then rows, antialiased and bilinear, and rounds to whole grey levels in between.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from models.runtimes.device_batch import sent

SIDE_PX = 224
_AT_ONCE = 64  # boxes resized together on a GPU: each needs its picture in floats

PixelBox = tuple[int, int, int, int]  # x1, y1, x2, y2 in whole pixels, the last two exclusive


def squash(stack: torch.Tensor) -> torch.Tensor:
    """uint8 (n, 3, h, w) to uint8 (n, 3, 224, 224). torch does as Pillow on a CPU only; elsewhere it has floats alone,
    so the two passes are written out."""
    if stack.device.type == "cpu":
        return interpolate(stack, size=(SIDE_PX, SIDE_PX), mode="bilinear", antialias=True)
    wide = _rounded(interpolate(stack.float(), size=(stack.shape[2], SIDE_PX), mode="bilinear", antialias=True))
    return _rounded(interpolate(wide, size=(SIDE_PX, SIDE_PX), mode="bilinear", antialias=True)).to(torch.uint8)


def whole_pixels(box_xyxy_px: NDArray[np.float32], height: int, width: int) -> PixelBox:
    """Corners truncated to whole pixels, inside the picture, at least one pixel."""
    left, top, right, bottom = (int(value) for value in box_xyxy_px)
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return left, top, min(max(right, left + 1), width), min(max(bottom, top + 1), height)


def squash_boxes(stack: torch.Tensor, rows: Sequence[int], boxes: Sequence[PixelBox]) -> torch.Tensor:
    """Boxes of uint8 (n, 3, h, w), each in the picture ``rows`` names, to uint8 (boxes, 3, 224, 224)."""
    if stack.device.type == "cpu":
        parts = zip(rows, boxes, strict=True)
        squashed = [squash(stack[row : row + 1, :, y1:y2, x1:x2]) for row, (x1, y1, x2, y2) in parts]
    else:
        squashed = [
            squash_together(stack, rows[at : at + _AT_ONCE], boxes[at : at + _AT_ONCE])
            for at in range(0, len(boxes), _AT_ONCE)
        ]
    return torch.cat(squashed) if squashed else stack.new_zeros((0, 3, SIDE_PX, SIDE_PX))


def squash_together(stack: torch.Tensor, rows: Sequence[int], boxes: Sequence[PixelBox]) -> torch.Tensor:
    """As `squash_boxes`, in two matrix products for all boxes instead of several small launches for each."""
    placed = sent(torch.tensor([(row, *box) for row, box in zip(rows, boxes, strict=True)]), stack.device)
    corners = placed[:, 1:]
    pictures = stack[placed[:, 0]].float()
    across = _weights(corners[:, 0], corners[:, 2], stack.shape[3])
    down = _weights(corners[:, 1], corners[:, 3], stack.shape[2])
    count, channels, height, width = pictures.shape
    wide = _rounded(pictures.reshape(count, channels * height, width) @ across.transpose(1, 2))
    return _rounded(down[:, None] @ wide.reshape(count, channels, height, SIDE_PX)).to(torch.uint8)


def _rounded(grey_levels: torch.Tensor) -> torch.Tensor:
    """In place, halves upwards as Pillow does; torch's `round` takes them to even numbers."""
    return grey_levels.add_(0.5).floor_()


def _weights(low: torch.Tensor, high: torch.Tensor, size: int) -> torch.Tensor:
    """float32 (n, 224, size): how much each pixel of ``low`` to ``high`` counts in each pixel of the result."""
    scale = ((high - low) / SIDE_PX)[:, None]
    centres = low[:, None] + (torch.arange(SIDE_PX, device=low.device) + 0.5) * scale
    pixels = torch.arange(size, device=low.device)
    distance = (pixels + 0.5 - centres[..., None]).abs() / scale.clamp(min=1.0)[..., None]
    inside = (pixels >= low[:, None]) & (pixels < high[:, None])
    weights = (1.0 - distance).clamp_(min=0.0) * inside[:, None]
    return weights / weights.sum(2, keepdim=True)
