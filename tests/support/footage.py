"""Footage made on the spot: one loop of a moving scene in several variants, encoded once and served again and again.

The patch of every variant stands at the same place at the same moment of the loop, so a camera can be switched from
one to another at any key frame without a jump that would be an anomaly of its own.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from moving_scene import scene
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
FPS = 10
LOOP_S = 8
NOISE = 6.0  # standard deviation, of 255 levels
_SWING = 2 * math.pi / LOOP_S / 0.8  # `scene` swings by 0.8 rad a second: this makes the loop close
_LENGTH = struct.Struct("<I")


def _normal(at_s: float) -> Picture:
    return _scaled(scene(at_s * _SWING), 1)


def _rush(at_s: float) -> Picture:
    """The patch bounces up and down: what is to be alerted."""
    return _scaled(scene(at_s * _SWING, rush=True), 1)


def _frozen(_: float) -> Picture:
    return _scaled(scene(0.0), 1)


def _black(_: float) -> Picture:
    return np.zeros_like(_scaled(scene(0.0), 1))


def _large(at_s: float) -> Picture:
    return _scaled(scene(at_s * _SWING), 2)


VARIANTS: dict[str, Callable[[float], Picture]] = {
    "normal": _normal, "rush": _rush, "frozen": _frozen, "black": _black, "large": _large,
}  # fmt: skip


def _scaled(rgb: Picture, factor: int) -> Picture:
    height, width = rgb.shape[:2]
    size = (width * factor, height * factor)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def write_units(folder: Path) -> Path:
    """One file of H.264 access units per variant, each with its length before it; a key frame each second."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture_at in VARIANTS.items():
        with (folder / f"{name}.units").open("wb") as file:
            for unit in _units(picture_at):
                file.write(_LENGTH.pack(len(unit)) + unit)
    return folder


def _units(picture_at: Callable[[float], Picture]) -> Iterator[bytes]:
    height, width = picture_at(0.0).shape[:2]
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = width, height, "yuv420p", FPS
    encoder.time_base = Fraction(1, FPS)
    shape = f"keyint={FPS}:min-keyint={FPS}:scenecut=0:bframes=0:threads=1:sliced-threads=0"
    parameters = f"{shape}:repeat-headers=1:annexb=1:aud=1"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "20", "x264-params": parameters}
    for number in range(FPS * LOOP_S):
        noise = (1, 0 if picture_at is _frozen else number)
        frame = _frame(picture_at(number / FPS), noise)
        frame.pts = number
        yield from (bytes(packet) for packet in encoder.encode(frame))
    yield from (bytes(packet) for packet in encoder.encode(None))


def _frame(rgb: Picture, noise_of: tuple[int, int]) -> av.VideoFrame:
    """With the noise of a sensor, another in every frame: a bank of pictures that repeat exactly would take the last
    digit of a score for a departure from normal."""
    noise = np.random.default_rng(noise_of).normal(0.0, NOISE, rgb.shape)
    return av.VideoFrame.from_ndarray(np.clip(rgb + noise, 0, 255).astype(np.uint8), format="rgb24")


def write_recording(path: Path, *, loops: int, rushes: tuple[tuple[float, float], ...] = ()) -> Path:
    """An MP4 of so many loops; within ``rushes`` (from, to in seconds) the patch rushes."""
    height, width = _normal(0.0).shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "20", "g": str(FPS)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(FPS * LOOP_S * loops):
            at_s = number / FPS
            picture_at = _rush if any(start <= at_s < end for start, end in rushes) else _normal
            container.mux(stream.encode(_frame(picture_at(at_s), (2 + len(rushes), number))))
        container.mux(stream.encode())
    return path
