"""A camera's latest frame with its boxes and regions drawn."""

from __future__ import annotations

import io
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.frames.frame import FrameMessage
from patchwatch.messages.frames.score import Region
from service.store.cameras.frames import LatestFrame
from service.store.cameras.statuses import CameraRecord

_Colour = tuple[int, int, int]
_BOX: _Colour = (60, 220, 120)
_ALARM: _Colour = (235, 40, 40)
_TEXT: _Colour = (255, 255, 255)
_JPEG_QUALITY = 85
_LABEL_PX, _NOTE_PX = 11, 14


def draw_snapshot(latest: LatestFrame, record: CameraRecord) -> bytes:
    """A JPEG of the frame with its boxes and, if its score is above the threshold, the region behind the score.

    Boxes are in pixels of the camera's own picture, which may be larger than the frame. Raises
    `NotFoundError` when the frame's JPEG is corrupt.
    """
    frame = latest.frame
    picture = _decoded(frame)
    for box in latest.boxes or ():
        _draw_box(picture, frame, box.region, _BOX, f"{box.label} {box.confidence:.2f}", 1)
    score, analysis = record.last_score, record.analysis
    threshold = analysis.threshold_on if analysis else None
    if score and score.region and score.seq == frame.seq and threshold is not None and score.score >= threshold:
        _draw_box(picture, frame, score.region, _ALARM, f"{score.driver or 'score'} {score.score:.2f}", 2)
    if analysis and analysis.random_weights:
        ImageDraw.Draw(picture).text((8, 8), "random weights", _ALARM, _font(_NOTE_PX))
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=_JPEG_QUALITY, subsampling="4:4:4")  # thin lines keep their colour
    return encoded.getvalue()


def _decoded(frame: FrameMessage) -> Image.Image:
    try:
        return Image.open(io.BytesIO(frame.jpeg), formats=["JPEG"]).convert("RGB")
    except (OSError, Image.DecompressionBombError):
        raise NotFoundError(f"frame {frame.seq} is not a JPEG: try again, the next one may be") from None


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def _draw_box(
    picture: Image.Image, frame: FrameMessage, region: Region, colour: _Colour, label: str, thickness: int
) -> None:
    width, height = picture.size
    shown = Region.scaled(region.corners, (frame.source_width, frame.source_height), (width, height))
    x1, x2 = (min(width - 1, x) for x in (shown.x1, shown.x2))  # an edge of the picture is drawn on its last pixel
    y1, y2 = (min(height - 1, y) for y in (shown.y1, shown.y2))
    canvas = ImageDraw.Draw(picture)
    canvas.rectangle((x1, y1, x2, y2), outline=colour, width=thickness)
    font = _font(_LABEL_PX)
    text_width, text_height = (round(length) for length in font.getbbox(label)[2:])
    top = y1 - text_height - 4 if y1 > text_height + 4 else y1
    canvas.rectangle((x1, top, x1 + text_width + 4, top + text_height + 4), fill=colour)
    canvas.text((x1 + 2, top + 2), label, _TEXT, font)
