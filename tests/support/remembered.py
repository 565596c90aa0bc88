"""A camera of which something is remembered: stretches of the moving scene, as the inference worker keeps them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from moving_scene import FPS, scene

from models.engine.engine import Engine, NetworkOptions
from models.frames.frame import CameraContext, Features, Frame
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import NOT_EXCLUDED, Exclusion, Stretch
from models.memory.stretches.stretch_collector import StretchCollector
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import load_profile

BEGAN_MS = 1_800_000_000_000


def motion_engine() -> Engine:
    return Engine.load(load_profile("motion"), NetworkOptions(Path("none")))


@cache
def _measured_from(began_s: float) -> tuple[Engine, Callable[[Frame], tuple[Features, ...]]]:
    """What is measured of one frame after another from here on: once, however many memories it is put into."""
    engine, context = motion_engine(), CameraContext()
    known: dict[float, tuple[Features, ...]] = {}

    def measured(frame: Frame) -> tuple[Features, ...]:
        if frame.at_s not in known:
            [known[frame.at_s]] = engine.extract([frame], [context])
        return known[frame.at_s]

    return engine, measured


def stretches(
    seconds: float,
    *,
    began_s: float = 0.0,
    length_s: float = 10.0,
    began_ms: int = BEGAN_MS,
    excluded: Callable[[float], Exclusion] = lambda at_s: NOT_EXCLUDED,
) -> Iterator[Stretch]:
    """So many seconds of the scene from ``began_s`` of its own time, which is ``began_ms`` of Unix time."""
    engine, measured = _measured_from(began_s)
    identity = stretch_identity(engine.profile, engine.identity)
    kinds = [spec.kind for spec in engine.profile.streams]
    collector = StretchCollector(kinds, identity, length_s)
    for n in range(math.ceil(seconds * FPS)):
        at_s = began_s + n / FPS
        frame = Frame(scene(at_s), at_s, discontinuity=n == 0)
        features = measured(frame)
        if not collector.fits(frame):
            yield collector.finish()
            collector = StretchCollector(kinds, identity, length_s)
        captured_ms = began_ms + round((at_s - began_s) * 1000)
        collector.add(frame, captured_ms, 1, features, excluded=excluded(at_s))
    yield collector.finish()


@cache
def _kept(seconds: float, began_s: float, began_ms: int) -> tuple[Stretch, ...]:
    return tuple(stretches(seconds, began_s=began_s, began_ms=began_ms))


def remember(folder: Path, seconds: float, *, began_s: float = 0.0, began_ms: int = BEGAN_MS) -> MemoryStore:
    """Add so many seconds to a camera's memory."""
    store = MemoryStore(folder, 64)
    for stretch in _kept(seconds, began_s, began_ms):
        store.append(stretch)
    return store
