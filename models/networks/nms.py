"""Non-maximum suppression for a whole batch: the boxes that ultralytics' own function keeps, with one wait for the GPU.

Ultralytics waits for the GPU four times a frame. Here the best candidates of every picture come over in one transfer,
and torchvision suppresses on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray

IOU = 0.7  # ultralytics' default overlap
MOST_BOXES = 300  # of a picture; likewise
_BROUGHT_OVER = 1024  # candidates of a picture in the one transfer; a crowd that has more is fetched in a second
_MOST_CANDIDATES = 30_000  # ultralytics'
_APART_PX = 7680.0  # boxes of different classes are moved apart by this much: ultralytics'


def suppress(
    outputs: torch.Tensor, confidence: float, classes: Sequence[int] | None = None
) -> list[NDArray[np.float32]]:
    """Per picture the boxes that stay, most confident first: float32 (n, 6) of x1, y1, x2, y2, confidence, class.

    ``outputs``: (n, 4 + classes, candidates) of centre, width, height in pixels of the input and each class's score.
    ``classes``: the numbers of those wanted; None means all.
    """
    images, rows = _candidates(outputs, confidence)
    if classes is not None:
        wanted = torch.isin(rows[:, 5], torch.tensor(classes, dtype=rows.dtype))
        images, rows = images[wanted], rows[wanted]
    counts = torch.bincount(images, minlength=len(outputs)).tolist()
    return [_kept(of_picture).numpy() for of_picture in torch.split(rows, counts)]


def already_suppressed(
    outputs: torch.Tensor, confidence: float, classes: Sequence[int] | None = None
) -> list[NDArray[np.float32]]:
    """As `suppress`, for networks that do it themselves: ``outputs`` (n, boxes, 6) are rows as those returned."""
    boxes = []
    for rows in outputs.float().cpu().numpy():
        wanted = rows[:, 4] > confidence
        if classes is not None:
            wanted &= np.isin(rows[:, 5], classes)
        boxes.append(rows[wanted][:MOST_BOXES])
    return boxes


def _candidates(outputs: torch.Tensor, confidence: float) -> tuple[torch.Tensor, torch.Tensor]:
    """On the CPU: each one's picture, int64 (k,) in order, and float32 (k, 6) as in `suppress`."""
    best = outputs[:, 4:].amax(1)
    if outputs.device.type != "cpu":
        rows = _best_of_each(outputs, best).cpu()  # the one wait
        if not len(rows) or rows[:, -1, 4].max() <= confidence or rows.shape[1] == best.shape[1]:
            images, places = (rows[..., 4] > confidence).nonzero(as_tuple=True)
            return images, rows[images, places]
    images, places = (best > confidence).nonzero(as_tuple=True)
    return images.cpu(), _rows(outputs[images, :, places]).cpu()


def _best_of_each(outputs: torch.Tensor, best: torch.Tensor) -> torch.Tensor:
    """float32 (n, k, 6): the candidates of each picture that have the best scores, in their order."""
    places = best.topk(min(_BROUGHT_OVER, best.shape[1]), dim=1).indices
    chosen = outputs.gather(2, places[:, None].expand(-1, outputs.shape[1], -1))
    return _rows(chosen.transpose(1, 2))


def _rows(candidates: torch.Tensor) -> torch.Tensor:
    """(..., 4 + classes) of centre, size and scores to float32 (..., 6) of corners, best score and its class."""
    centre, size = candidates[..., :2], candidates[..., 2:4]
    scores, labels = candidates[..., 4:].max(-1, keepdim=True)
    return torch.cat([centre - size / 2, centre + size / 2, scores, labels.to(candidates.dtype)], -1).float()


def _kept(rows: torch.Tensor) -> torch.Tensor:
    if len(rows) > _MOST_CANDIDATES:
        rows = rows[rows[:, 4].argsort(descending=True)[:_MOST_CANDIDATES]]
    apart = rows[:, :4] + rows[:, 5:6] * _APART_PX
    return rows[torchvision.ops.nms(apart, rows[:, 4], IOU)[:MOST_BOXES]]
