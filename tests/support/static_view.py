"""A view of a fixed camera: textured surfaces, sensor noise, and what may befall the picture as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_noise import sensor_noise

from models.alarms.event_detector import AlertGate
from models.frames.frame import Frame
from models.tampering.condition import Condition
from models.tampering.detector import TamperingDetector

FPS = 5
WIDTH, HEIGHT = 320, 180
Picture = NDArray[np.uint8]


def view(seed: int = 0) -> Picture:
    """A coloured picture with structure of all sizes, without noise."""
    rng = np.random.default_rng(seed)
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for points in (6, 20, 60):
        coarse = rng.uniform(-1, 1, (points * 9 // 16 + 1, points, 3)).astype(np.float32)
        total += cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(110 + 35 * total, 0, 255).astype(np.uint8)


def noisy(picture: Picture, number: int, sigma: float = 2.0) -> Picture:
    """The picture with the sensor noise of frame ``number``."""
    noise = sensor_noise(number, (*picture.shape[:2], 1), sigma)
    return np.clip(picture + (noise + 0.5), 0, 255).astype(np.uint8)


def infrared(picture: Picture) -> Picture:
    """Colourless, and exposed differently."""
    grey = 255 * (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) / 255) ** 0.6
    return np.repeat(np.clip(1.2 * grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def black() -> Picture:
    return np.full((HEIGHT, WIDTH, 3), 3, np.uint8)


def blurred(picture: Picture) -> Picture:
    """As through a hand on the lens: nothing smaller than a fifth of the picture is left."""
    height, width = picture.shape[:2]
    coarse = cv2.GaussianBlur(cv2.resize(picture, (64, 36), interpolation=cv2.INTER_AREA), (0, 0), 3.6)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def moved(picture: Picture) -> Picture:
    """As after a camera was turned: everything stands elsewhere."""
    return np.roll(picture, (HEIGHT // 6, WIDTH // 4), axis=(0, 1))


def shots(picture: Picture, seconds: float, first: int = 0, sigma: float = 2.0) -> list[Picture]:
    """``seconds`` of the picture with fresh noise in each."""
    return [noisy(picture, first + n, sigma) for n in range(round(seconds * FPS))]


def watched(
    watch: TamperingDetector,
    pictures: Iterable[Picture],
    start_s: float = 0.0,
    predicted: Callable[[int], bool] = lambda n: False,
) -> tuple[list[Condition], list[AlertGate]]:
    """All changes, and the attention that each picture is worth. ``predicted``: whether picture n was coded as one."""
    checks = [
        watch.observe(Frame(picture, round(start_s + n / FPS, 6), predicted=predicted(n)))
        for n, picture in enumerate(pictures)
    ]
    return [change for check in checks for change in check.changes], [check.gate for check in checks]
