"""A camera's latest frame with its boxes and regions drawn."""

from __future__ import annotations

import cv2
import numpy as np

from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.frames.frame import FrameMessage
from patchwatch.messages.frames.score import Region
from service.store.cameras.frames import LatestFrame
from service.store.cameras.statuses import CameraRecord

_BOX_BGR = (120, 220, 60)
_ALARM_BGR = (40, 40, 235)
_TEXT_BGR = (255, 255, 255)
_JPEG_QUALITY = 85
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_snapshot(latest: LatestFrame, record: CameraRecord) -> bytes:
    """A JPEG of the frame with its boxes and, if its score is above the threshold, the region behind the score.

    Boxes are in pixels of the camera's own picture, which may be larger than the frame. Raises
    `NotFoundError` when the frame's JPEG is corrupt.
    """
    frame = latest.frame
    picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise NotFoundError(f"frame {frame.seq} is not a JPEG: try again, the next one may be")
    canvas = np.ascontiguousarray(picture, dtype=np.uint8)
    for box in latest.boxes or ():
        _draw_box(canvas, frame, box.region, _BOX_BGR, f"{box.label} {box.confidence:.2f}", 1)
    score, analysis = record.last_score, record.analysis
    threshold = analysis.threshold_on if analysis else None
    if score and score.region and score.seq == frame.seq and threshold is not None and score.score >= threshold:
        _draw_box(canvas, frame, score.region, _ALARM_BGR, f"{score.driver or 'score'} {score.score:.2f}", 2)
    if analysis and analysis.random_weights:
        cv2.putText(canvas, "random weights", (8, 20), _FONT, 0.5, _ALARM_BGR, 1, cv2.LINE_AA)
    _, encoded = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()


def _draw_box(
    canvas: np.ndarray, frame: FrameMessage, region: Region, bgr: tuple[int, int, int], label: str, thickness: int
) -> None:
    height, width = canvas.shape[:2]
    shown = Region.scaled(region.corners, (frame.source_width, frame.source_height), (width, height))
    x1, x2 = (min(width - 1, x) for x in (shown.x1, shown.x2))  # an edge of the picture is drawn on its last pixel
    y1, y2 = (min(height - 1, y) for y in (shown.y1, shown.y2))
    cv2.rectangle(canvas, (x1, y1), (x2, y2), bgr, thickness, cv2.LINE_AA)
    (text_width, text_height), _ = cv2.getTextSize(label, _FONT, 0.4, 1)
    top = y1 - text_height - 5 if y1 > text_height + 5 else y1
    cv2.rectangle(canvas, (x1, top), (x1 + text_width + 4, top + text_height + 5), bgr, cv2.FILLED)
    cv2.putText(canvas, label, (x1 + 2, top + text_height + 2), _FONT, 0.4, _TEXT_BGR, 1, cv2.LINE_AA)
