"""Frames of the shared clips, and networks with seeded random CLIP weights and a real detector."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Frame
from models.networks.networks import Networks
from models.profiles.profile import Profile, load_profile
from models.runtimes.device import Precision

PERSONS = "clips/one-by-one-person-detection.mp4"
CARS = "clips/car-detection.mp4"
DETECTOR = "weights/yolov5nu-rebuilt.pt"


@cache
def frames_of(path: Path, first: int, every: int, count: int, width: int = 640) -> tuple[Frame, ...]:
    """``count`` frames from number ``first``, each ``every``-th, scaled to ``width`` pixels."""
    wanted = range(first, first + every * count, every)
    frames: list[Frame] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 25)
        for number, picture in enumerate(container.decode(stream)):
            if number in wanted:
                rgb: NDArray[Any] = picture.to_ndarray(format="rgb24")
                height = round(rgb.shape[0] * width / rgb.shape[1])
                if width != rgb.shape[1]:
                    rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
                frames.append(Frame(np.ascontiguousarray(rgb), number / rate))
            if len(frames) == count:
                return tuple(frames)
    raise AssertionError(f"{path} has only {len(frames)} of {count} frames")


def load_networks(
    data: Path, precision: Precision = "fp32", device: str = "cpu", profile: Profile | None = None
) -> Networks:
    return Networks.load(
        profile or load_profile("reference"), detector_weights=data / DETECTOR, weights_dir=data / "none",
        device=device, random_clip=True, precision=precision,
    )  # fmt: skip


networks_for = cache(load_networks)
