"""Footage made on the spot: one loop of a moving scene in several variants, encoded once and served again and again.

The patch of every variant stands at the same place at the same moment of the loop, so a camera can be switched from
one to another at any key frame without a jump that would be an anomaly of its own.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from moving_scene import HEIGHT, WIDTH, scene
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
FPS = 10
LOOP_S = 8
NOISE = 6.0  # standard deviation, of 255 levels
_SWING = 2 * math.pi / LOOP_S / 0.8  # `scene` swings by 0.8 rad a second: this makes the loop close
_LENGTH = struct.Struct("<I")


_WALL = cv2.resize(
    np.random.default_rng(3).integers(-50, 50, (6, 10, 3)).astype(np.int16), (WIDTH, HEIGHT),
    interpolation=cv2.INTER_NEAREST,
)  # fmt: skip


def _view(at_s: float, *, rush: bool = False) -> Picture:
    """The moving scene before a wall of large coloured stones, by whose look a camera knows its view."""
    return np.asarray(np.clip(scene(at_s * _SWING, rush=rush).astype(np.int16) + _WALL, 0, 255), np.uint8)


def _normal(at_s: float) -> Picture:
    return _view(at_s)


def _rush(at_s: float) -> Picture:
    """The patch bounces up and down: what is to be alerted."""
    return _view(at_s, rush=True)


def _frozen(_: float) -> Picture:
    return _view(0.0)


def _black(_: float) -> Picture:
    return np.zeros_like(_view(0.0))


def _infrared(at_s: float) -> Picture:
    """As by night under the camera's own lamps: bright, and without colour."""
    grey = cv2.cvtColor(_normal(at_s), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(cv2.add(grey, np.full_like(grey, 20)), cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _large(at_s: float) -> Picture:
    return np.asarray(cv2.resize(_view(at_s), (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


VARIANTS: dict[str, Callable[[float], Picture]] = {
    "normal": _normal, "rush": _rush, "frozen": _frozen, "black": _black, "infrared": _infrared, "large": _large,
}  # fmt: skip


def write_units(folder: Path) -> Path:
    """One file of H.264 access units per variant, each with its length before it; a key frame each second."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture_at in VARIANTS.items():
        write_variant(folder / f"{name}.units", picture_at)
    return folder


def write_variant(path: Path, picture_at: Callable[[float], Picture]) -> None:
    """What a camera shows over a loop, from 0 to `LOOP_S`."""
    with path.open("wb") as file:
        for unit in _units(picture_at):
            file.write(_LENGTH.pack(len(unit)) + unit)


def _units(picture_at: Callable[[float], Picture]) -> list[bytes]:
    height, width = picture_at(0.0).shape[:2]
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = width, height, "yuv420p", Fraction(FPS)
    encoder.time_base = Fraction(1, FPS)
    shape = f"keyint={FPS}:min-keyint={FPS}:scenecut=0:bframes=0:threads=1:sliced-threads=0"
    parameters = f"{shape}:repeat-headers=1:annexb=1:aud=1"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "20", "x264-params": parameters}
    packets: list[bytes] = []
    for number in range(2 * FPS * LOOP_S):
        noise = (1, 0 if picture_at is _frozen else number)
        frame = _frame(picture_at(number / FPS), noise)
        frame.pts = number
        packets += (bytes(packet) for packet in encoder.encode(frame))
    packets += (bytes(packet) for packet in encoder.encode(None))
    return packets[FPS * LOOP_S :]  # the second loop: an encoder that has just begun has yet to find its measure


def _frame(rgb: Picture, noise_of: tuple[int, int]) -> av.VideoFrame:
    """With the noise of a sensor, another in every frame: a bank of pictures that repeat exactly would take the last
    digit of a score for a departure from normal."""
    colourless = bool((rgb == rgb[..., :1]).all())
    shape = (*rgb.shape[:2], 1 if colourless else 3)
    noise = np.random.default_rng(noise_of).normal(0.0, NOISE, shape)
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
