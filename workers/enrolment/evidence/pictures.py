"""The still pictures of a bundle: the frame at the peak with its region, and the nearest normal moment."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import RejectedError
from patchwatch.contract.timestamps import iso
from patchwatch.messages.alerts.explanation import Explanation, NearestNormal
from patchwatch.messages.cameras.zones.polygon import Polygon
from patchwatch.messages.frames.score import Region
from workers.media import jpeg_codec
from workers.media.privacy_mask import PrivacyMask

_QUALITY = 90
_BOX_RGB = (235, 40, 40)


@dataclass(frozen=True)
class NormalPicture:
    """``seen``: where and when, in words."""

    jpeg: bytes
    seen: str


def peak_picture(
    jpeg: bytes, hidden: tuple[Polygon, ...], region: Region | None, source_size: tuple[int, int] | None
) -> bytes | None:
    """The picture with what is private in black and the region framed. ``region`` is in pixels of the camera's own
    picture, whose width and height are ``source_size``. None where it is no picture."""
    rgb = _masked(jpeg, hidden)
    if rgb is None:
        return None
    if region is not None and source_size is not None:
        height, width = rgb.shape[:2]
        shown = Region.scaled(region.corners, source_size, (width, height))
        cv2.rectangle(rgb, (shown.x1, shown.y1), (shown.x2, shown.y2), _BOX_RGB, 2, cv2.LINE_AA)
    return jpeg_codec.encode(rgb, _QUALITY)


def nearest_normal(explanation: Explanation, hidden: tuple[Polygon, ...]) -> NormalPicture | None:
    """Of the stream that contributed most, and for which a picture of normal was kept."""
    for stream in sorted(explanation.streams, key=lambda stream: -stream.contribution):
        for nearest in stream.nearest:
            jpeg = _framed(nearest, hidden)
            if jpeg is not None:
                return NormalPicture(jpeg, _seen(nearest))
    return None


def _framed(nearest: NearestNormal, hidden: tuple[Polygon, ...]) -> bytes | None:
    try:
        jpeg = base64.b64decode(nearest.thumbnail or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    rgb = _masked(jpeg, hidden)
    if rgb is None:
        return None
    height, width = rgb.shape[:2]
    box = nearest.region
    corners = [
        round(share * whole) for share, whole in zip((box.x1, box.y1, box.x2, box.y2), (width, height) * 2, strict=True)
    ]
    cv2.rectangle(rgb, (corners[0], corners[1]), (corners[2], corners[3]), _BOX_RGB, 1)
    return jpeg_codec.encode(rgb, _QUALITY)


def _seen(nearest: NearestNormal) -> str:
    if nearest.captured_at_ms is not None:
        return f"{nearest.source}, {iso(nearest.captured_at_ms)}"
    return f"{nearest.source}, at {nearest.time_s:.1f} s"


def _masked(jpeg: bytes, hidden: tuple[Polygon, ...]) -> NDArray[np.uint8] | None:
    try:
        rgb = np.array(jpeg_codec.decode(jpeg))
    except RejectedError:
        return None
    PrivacyMask(hidden).hide(rgb)
    return rgb
