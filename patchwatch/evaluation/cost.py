"""Processor time per frame of each part of the method, measured during the evaluation."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

from models.engine.engine import Engine
from models.frames.frame import CameraContext, Features, Frame
from models.streams.frame_batch import FrameBatch
from patchwatch.evaluation.report.profile_result import Cost

Part = tuple[str, str]  # kind, name
SCORING: Part = ("scoring", "")
_SHARED, _STREAM = "shared", "stream"
_NAMES = {"flows": "flow", "detections": "detector", "_embeddings": "backbone", "_fresh": "stillness"}
_FREE = ("_looked_at",)  # This only chooses from a list.


class CostMeter:
    """Adds up processor time by part. Time spent in a part within another counts for the inner one only.

    The first batch is left out, because it includes what happens once.
    """

    def __init__(self) -> None:
        self._warm = False
        self._extracted = self._scored = 0
        self._cpu_s: dict[Part, float] = {}
        self._extract_wall_s = self._score_wall_s = 0.0
        self._inner_s = [0.0]  # For each open part, the time of the parts within it. The first belongs to no part.

    def extract(self, engine: Engine, frames: Sequence[Frame], view: CameraContext) -> list[tuple[Features, ...]]:
        """Extract as `Engine.extract` does for one camera, and measure it."""
        start_s = time.perf_counter()
        batch = _metered_class()(engine.batch(frames, [view] * len(frames)), self)
        columns = []
        for stream in engine.streams:
            with self.part((_STREAM, stream.name)):
                columns.append(stream.extract(batch))
        if self._warm:
            self._extracted += len(frames)
            self._extract_wall_s += time.perf_counter() - start_s
        else:
            self._warm = True
            self._cpu_s.clear()
        return list(zip(*columns, strict=True))

    @contextmanager
    def scoring(self, frames: int) -> Iterator[None]:
        """Measure the scoring of so many frames."""
        start_s = time.perf_counter()
        with self.part(SCORING):
            yield
        self._scored += frames
        self._score_wall_s += time.perf_counter() - start_s

    @contextmanager
    def part(self, part: Part) -> Iterator[None]:
        """Measure a part; parts may be nested."""
        start_s = time.process_time()
        self._inner_s.append(0.0)
        try:
            yield
        finally:
            spent_s = time.process_time() - start_s
            own_s = spent_s - self._inner_s.pop()
            self._inner_s[-1] += spent_s
            self._cpu_s[part] = self._cpu_s.get(part, 0.0) + own_s

    def cost(self, device: str) -> Cost:
        """Means over all frames so far. Raises ValueError before the first frame is scored."""
        if not (self._extracted and self._scored):
            raise ValueError("no frame was extracted and scored yet")
        mean_ms = {part: spent * 1e3 / self._extracted for part, spent in self._cpu_s.items() if part != SCORING}
        scoring_ms = self._cpu_s[SCORING] * 1e3 / self._scored
        total_ms = sum(mean_ms.values()) + scoring_ms
        wall_ms = (self._extract_wall_s / self._extracted + self._score_wall_s / self._scored) * 1e3
        return Cost(
            device=device,
            frames=self._extracted,
            shared_ms={name: round(spent, 3) for (kind, name), spent in mean_ms.items() if kind == _SHARED},
            streams_ms={name: round(spent, 3) for (kind, name), spent in mean_ms.items() if kind == _STREAM},
            scoring_ms=round(scoring_ms, 3),
            total_ms=round(total_ms, 3),
            wall_ms=round(wall_ms, 3),
            frames_per_second_per_core=round(1e3 / total_ms, 1),
            load_1min=round(os.getloadavg()[0], 2),
        )


class _Metered(FrameBatch):
    """A frame batch whose shared inputs report their cost."""

    def __init__(self, batch: FrameBatch, meter: CostMeter) -> None:
        vars(self).update(vars(batch))  # all that it holds, whatever that may be one day
        self.meter = meter


@cache
def _metered_class() -> type[_Metered]:
    """A subclass that measures every value which `FrameBatch` computes once and shares."""

    class Metered(_Metered):
        pass

    for name, shared in vars(FrameBatch).items():
        if isinstance(shared, cached_property) and name not in _FREE:
            wrapped = _wrapped(name, shared)
            wrapped.__set_name__(Metered, name)
            setattr(Metered, name, wrapped)
    return Metered


def _wrapped(name: str, shared: cached_property[Any]) -> cached_property[Any]:
    def compute(batch: _Metered) -> Any:
        with batch.meter.part((_SHARED, _NAMES.get(name, name.strip("_")))):
            return shared.func(batch)

    return cached_property(compute)
