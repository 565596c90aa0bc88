"""The latest frame of a camera, with its detected objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable, required
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import InvalidMessageError, NotFoundError
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.zones.privacy_marks import covers, marks_of
from patchwatch.messages.frames.frame import FrameMessage
from patchwatch.messages.frames.score import Region


@dataclass(frozen=True)
class DetectedBox:
    """A detected object."""

    region: Region
    label: str
    confidence: float


@dataclass(frozen=True)
class LatestFrame:
    """A frame. ``boxes``: None when it has not been analysed."""

    frame: FrameMessage
    boxes: tuple[DetectedBox, ...] | None


class FrameStore:
    """Reads `CameraKeys.frames` and `CameraKeys.state`."""

    def __init__(self, bus: Redis, partitions: int) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._partitions = partitions

    async def scored_seqs(self, camera_ids: Sequence[str]) -> dict[str, int | None]:
        """The number of the last scored frame of each camera, in one request; None where none is known."""
        if not camera_ids:
            return {}
        with translated():
            async with self._bus.pipeline(transaction=False) as pipe:
                for camera_id in camera_ids:
                    pipe.hget(CameraKeys.for_camera(camera_id, self._partitions).state, "seq")
                stored = await pipe.execute()
        return {
            camera_id: None if seq is None else counted(seq) for camera_id, seq in zip(camera_ids, stored, strict=True)
        }

    async def latest(self, camera: Camera) -> LatestFrame:
        """The last scored frame with its boxes, else the newest frame. Raises `NotFoundError` when there is none, or
        only such as were taken before a privacy zone of the camera was drawn."""
        camera_id, wanted = camera.id, marks_of(camera.privacy)
        names = CameraKeys.for_camera(camera_id, self._partitions)
        with translated():
            seq, boxes = await self._bus.hmget(names.state, "seq", "boxes")
            if seq is not None:
                entry = f"{counted(seq)}-0"
                scored = await self._bus.xrange(names.frames, min=entry, max=entry, count=1)
                frame = readable(_decoded, scored[0], f"frame {entry}") if scored else None
                if frame is not None and covers(frame.hidden, wanted):
                    return LatestFrame(frame, readable(_boxes, boxes, f"the boxes of frame {entry}") or ())
            newest = await self._bus.xrevrange(names.frames, count=1)
        if not newest:
            raise NotFoundError(
                f"camera {camera_id!r} has no frame to show: see GET /api/v1/cameras/{camera_id}/status for the reason"
            )
        frame = required(_decoded, newest[0], f"the newest frame of camera {camera_id!r}")
        if not covers(frame.hidden, wanted):
            raise NotFoundError(
                f"no frame of camera {camera_id!r} has its privacy zones blackened yet: ask again in some seconds"
            )
        return LatestFrame(frame, None)


def _decoded(entry: tuple[bytes, dict[bytes, bytes]]) -> FrameMessage:
    return FrameMessage.decode(*entry)


def _boxes(data: bytes) -> tuple[DetectedBox, ...]:
    try:
        boxes = tuple(
            DetectedBox(Region(round(x1), round(y1), round(x2), round(y2)), str(label), float(confidence))
            for x1, y1, x2, y2, label, confidence in json.loads(data)
        )
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidMessageError(f"not a list of boxes ({error})") from None
    if not all(isfinite(box.confidence) for box in boxes):
        raise InvalidMessageError("a box has a confidence that is not a finite number")
    return boxes
