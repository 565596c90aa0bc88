"""Whatever moves although nothing was detected there: a cart, a thrown bag, a shelf that falls."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.detections import MOVER, Detections
from models.frames.frame import Frame
from models.frames.optical_flow import Flow

LEAST_SPEED = 0.03  # long sides of the picture per second: docs/decisions/014-objects.md
LEAST_AREA = 0.001  # of the picture
COVERING_CONFIDENCE = 0.25  # detections from here on cover what moves within them
_MARGIN = (0.15, 0.1)  # of their width and height that detections are widened by: limbs stick out


def find_moving_regions(frame: Frame, flow: Flow | None, detections: Detections) -> Detections:
    """Connected regions of flow outside of all detections, as boxes in pixels of the frame, labelled `MOVER`.

    None without flow. Their confidence is 1: they move. The largest come first.
    """
    if flow is None:
        return Detections.none()
    fast = (flow.speed > LEAST_SPEED).astype(np.uint8)
    fast = np.asarray(cv2.morphologyEx(fast, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    rows, columns = fast.shape
    scale = np.array([columns / frame.width, rows / frame.height] * 2, np.float32)
    _cover(fast, detections, scale)
    _, _, regions, _ = cv2.connectedComponentsWithStats(fast)
    regions = regions[1:]  # the first is the rest of the picture
    regions = regions[regions[:, cv2.CC_STAT_AREA] >= LEAST_AREA * fast.size]
    regions = regions[np.argsort(-regions[:, cv2.CC_STAT_AREA], kind="stable")]
    left, top, width, height = (regions[:, n] for n in range(4))
    boxes = np.stack([left, top, left + width, top + height], axis=1).astype(np.float32) / scale
    return Detections(boxes, np.ones(len(boxes), np.float32), (MOVER,) * len(boxes))


def _cover(fast: NDArray[np.uint8], detections: Detections, scale: NDArray[np.float32]) -> None:
    """Blot out what detections explain, in place."""
    rows, columns = fast.shape
    sure = detections.boxes_xyxy_px[detections.confidences >= COVERING_CONFIDENCE]
    for x1, y1, x2, y2 in sure * scale:
        across, down = _MARGIN[0] * (x2 - x1), _MARGIN[1] * (y2 - y1)
        left, right = max(0, int(x1 - across)), min(columns, int(x2 + across) + 1)
        top, bottom = max(0, int(y1 - down)), min(rows, int(y2 + down) + 1)
        fast[top:bottom, left:right] = 0
