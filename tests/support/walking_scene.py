"""Walkers on a textured ground, as a fixed camera sees them: what changes at a cut are the walkers alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_noise import sensor_noise

from models.frames.frame import Frame

WIDTH, HEIGHT, FPS = 320, 180, 5
_COARSE = np.random.default_rng(3).integers(80, 140, (HEIGHT // 6, WIDTH // 6, 3), dtype=np.uint8)
GROUND: NDArray[np.uint8] = np.asarray(cv2.resize(_COARSE, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def walkers(at_s: float, seed: int = 0, count: int = 6, noise: float = 2.0) -> NDArray[np.uint8]:
    """uint8 (180, 320, 3): ``count`` walkers, of a place and pace by ``seed``, at 0.03 to 0.08 widths a second."""
    rng, rgb = np.random.default_rng(seed), GROUND.copy()
    for _ in range(count):
        start, pace, row = rng.uniform(0, WIDTH), rng.uniform(10, 25), int(rng.uniform(20, 140))
        colour = tuple(int(level) for level in rng.integers(0, 50, 3) + 190 * rng.integers(0, 2))
        left = int((start + pace * at_s) % WIDTH)
        cv2.rectangle(rgb, (left, row), (left + 10, row + 30), colour, -1)
    return noisy(rgb, round(at_s * 1000) + seed, noise)


def noisy(rgb: NDArray[np.uint8], number: int, sigma: float) -> NDArray[np.uint8]:
    height, width, channels = rgb.shape
    noise = sensor_noise(number, (height, width, channels), sigma)
    return np.asarray(np.clip(rgb + noise, 0, 255), np.uint8)


def clip(seed: int, seconds: float, start_s: float = 0.0) -> list[Frame]:
    """Frames of walkers, their first a discontinuity as of any file."""
    times = start_s + np.arange(round(seconds * FPS)) / FPS
    return [Frame(walkers(float(at_s), seed), float(at_s), discontinuity=n == 0) for n, at_s in enumerate(times)]
