"""A yard by day and, in infrared, by night, and a bank of it."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from known_patches import known_patches
from numpy.typing import NDArray
from once_a_run import once_a_run

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import load_bank, save_bank
from models.engine.engine import Engine
from models.exemplars.provenance import StoredPicture, thumbnail
from models.frames.frame import CameraContext, Features, Frame
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec

SPEC = StreamSpec("place", StreamKind.PLACE, 1.0, options={"exemplars": 16, "frames": 40})
PROFILE = Profile("places", Fusion.CALIBRATED, (SPEC,), seeds=(1,))
HEIGHT, WIDTH = 64, 96
VISITS, VISIT = 8, 26  # how often the light changes, and pictures in between
APART_S = 9.0


def picture(number: int, *, infrared: bool, lit: float | None = None) -> NDArray[np.uint8]:
    """Of a yard. By day a textured wall that clouds pass over; infrared, the same wall without colour, hardly any of
    its texture left, and calm."""
    random, yard = np.random.default_rng(number), np.random.default_rng(5)
    wall = cv2.resize(yard.uniform(40, 220, (5, 8, 3)).astype(np.float32), (WIDTH, HEIGHT))
    if infrared:
        wall = np.repeat(0.25 * wall.mean(axis=2, keepdims=True) + 60.0, 3, axis=2)
    light = lit if lit is not None else 1.0 if infrared else 1.0 + 0.08 * np.sin(number * 1.7)
    patches = cv2.resize(random.normal(0.0, 1.0 if infrared else 9.0, (16, 24, 1)), (WIDTH, HEIGHT))
    lit_wall: NDArray[np.uint8] = np.clip(light * wall + patches[..., None], 0, 255).astype(np.uint8)
    return lit_wall


@cache
def engine() -> Engine:
    return Engine(PROFILE, patch_network=known_patches())


def seen(rgb: NDArray[np.uint8]) -> tuple[Features, ...]:
    """A picture that has been there for a second."""
    context = CameraContext()
    shown = [Frame(rgb, at_s, discontinuity=not at_s) for at_s in (0.0, 0.5, 0.95)]
    return engine().extract(shown, [context] * len(shown))[-1]


def builder_of(lights: list[bool]) -> BankBuilder:
    """Of pictures nine seconds apart, by whether each is infrared."""
    learner = BankBuilder(PROFILE, engine().streams, {})
    for n, infrared in enumerate(lights):
        rgb = picture(n, infrared=infrared)
        learner.add(n * APART_S, seen(rgb), StoredPicture((WIDTH, HEIGHT), thumbnail(rgb)))
    return learner


def day_and_night() -> Bank:
    """Once a run: infrared from the second visit on, every other one."""
    return load_bank(once_a_run("day-and-night.safetensors", lambda path: save_bank(_learnt(), path)))


def _learnt() -> Bank:
    return builder_of([bool(n // VISIT % 2) for n in range(VISITS * VISIT)]).build(["yard"])
