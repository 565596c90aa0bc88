"""Learning a bank: normal footage in, exemplars of three seeds, calibrations and thresholds out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bank import Bank, Footage, StreamBank, StreamDistance, frame_distance
from models.calibration import MIN_VALUES, Calibration, score_of
from models.event import EventRule
from models.features import Features
from models.fusion import fuse
from models.profile import Profile
from models.smoothing import CausalGaussian
from models.streams.base import Stream
from models.threshold import FALSE_ALARMS_PER_DAY, event_rule
from patchwatch.errors import InsufficientFootageError

MIN_FOOTAGE_S = 20.0
SEGMENTS = 5  # leave-one-segment-out calibration
MAX_FRAMES = 20_000  # kept in memory; beyond, every other frame is let go, again and again

Progress = Callable[[float], None]


class Learner:
    """Collects the features of normal footage, then builds the bank.

    Frames come in order, source by source. Memory is bounded: past 20,000 kept frames only every second one is
    kept, then every fourth, and so on; the bank's footage says so.
    """

    def __init__(
        self,
        profile: Profile,
        streams: Sequence[Stream],
        identity: dict[str, Any],
        false_alarms_per_day: float = FALSE_ALARMS_PER_DAY,
    ) -> None:
        self._profile = profile
        self._streams = list(streams)
        self._identity = identity
        self._false_alarms_per_day = false_alarms_per_day
        self._frames: list[tuple[Features, ...]] = []
        self._times: list[float] = []
        self._runs: list[int] = []  # number of the unbroken run each kept frame belongs to
        self._seen = self._run = 0
        self._seconds = 0.0
        self._last_s: float | None = None
        self._thinned = 1

    def add(self, at_s: float, features: Sequence[Features], *, starts_run: bool = False) -> None:
        """Take the features of one normal frame, one `Features` per stream. ``starts_run``: a new source, or a gap."""
        if starts_run or self._last_s is None or at_s < self._last_s:
            self._run += 1
        else:
            self._seconds += at_s - self._last_s
        self._last_s = at_s
        if self._seen % self._thinned == 0:
            self._frames.append(tuple(features))
            self._times.append(at_s)
            self._runs.append(self._run)
        self._seen += 1
        if len(self._frames) > MAX_FRAMES:
            self._thin()

    @property
    def next_free_s(self) -> float:
        """A time after all frames so far: add it to a further source's own times."""
        return 0.0 if self._last_s is None else self._last_s + 1.0

    def _thin(self) -> None:
        self._thinned *= 2
        self._frames, self._times, self._runs = self._frames[::2], self._times[::2], self._runs[::2]

    def build(self, sources: Sequence[str], progress: Progress = lambda done: None) -> Bank:
        """Draw the exemplars, calibrate on held-out segments, set thresholds.

        Raises `InsufficientFootageError` naming what is missing.
        """
        self._check_footage()
        held_out: list[list[StreamDistance | None]] = [[] for _ in self._streams]
        for number, (start, stop) in enumerate(self._segments()):
            banks = self._draw([n for n in range(len(self._frames)) if not start <= n < stop])
            for position, bank in enumerate(banks):
                held_out[position] += [frame_distance(bank, frame[position]) for frame in self._frames[start:stop]]
            progress((number + 1) / (SEGMENTS + 1))
        banks = self._draw(list(range(len(self._frames))))
        calibrations = self._calibrate(held_out)
        fused_values = self._fuse(held_out, calibrations)
        fused = Calibration.fit(np.array([value for value in fused_values if value is not None]))
        progress(1.0)
        return Bank(
            self._profile, self._identity, tuple(banks), tuple(calibrations), fused,
            self._rule(fused_values, fused), self._footage(sources), datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip

    def _check_footage(self) -> None:
        if self._seconds < MIN_FOOTAGE_S or len(self._frames) < SEGMENTS * MIN_VALUES:
            raise InsufficientFootageError(
                f"{self._seconds:.1f} s of normal footage ({len(self._frames)} analysed frames) is too little to learn "
                f"from: give at least {MIN_FOOTAGE_S:.0f} s and {SEGMENTS * MIN_VALUES} frames, "
                "better ten minutes or more"
            )

    def _segments(self) -> list[tuple[int, int]]:
        edges = np.linspace(0, len(self._frames), SEGMENTS + 1).astype(int).tolist()
        return list(pairwise(edges))

    def _draw(self, chosen: Sequence[int]) -> list[StreamBank]:
        return [self._draw_stream(position, chosen) for position in range(len(self._streams))]

    def _draw_stream(self, position: int, chosen: Sequence[int]) -> StreamBank:
        stream, spec = self._streams[position], self._profile.streams[position]
        normal = [self._frames[n][position] for n in chosen if n % spec.stride == 0]
        if not any(len(features) for features in normal):
            raise InsufficientFootageError(
                f"stream {spec.name!r} found nothing in the normal footage to learn from (no person?): "
                "give footage that shows what normally happens, or choose a profile without this stream"
            )
        seeds = [stream.exemplars(normal, seed) for seed in self._profile.seeds]
        return StreamBank(np.stack(seeds).astype(np.float32, copy=False))

    def _calibrate(self, held_out: Sequence[Sequence[StreamDistance | None]]) -> list[Calibration]:
        calibrations = []
        for spec, found in zip(self._profile.streams, held_out, strict=True):
            values = np.array([part.value for part in found if part is not None])
            if len(values) < MIN_VALUES:
                raise InsufficientFootageError(
                    f"stream {spec.name!r} had something to say in only {len(values)} normal frames, calibration needs "
                    f"{MIN_VALUES}: give longer footage that shows what normally happens"
                )
            calibrations.append(Calibration.fit(values))
        return calibrations

    def _fuse(
        self, held_out: Sequence[Sequence[StreamDistance | None]], calibrations: Sequence[Calibration]
    ) -> list[float | None]:
        weights = [spec.weight for spec in self._profile.streams]
        values = []
        for parts in zip(*held_out, strict=True):
            distances = [part.value if part else None for part in parts]
            rarities = [c.rarity(d) if d is not None else None for c, d in zip(calibrations, distances, strict=True)]
            values.append(fuse(self._profile.fusion, weights, distances, rarities))
        return values

    def _rule(self, fused_values: Sequence[float | None], fused: Calibration) -> EventRule:
        runs: dict[tuple[int, int], list[tuple[float, float]]] = {}
        smoothing: dict[tuple[int, int], CausalGaussian] = {}
        for segment, (start, stop) in enumerate(self._segments()):
            for n in range(start, stop):
                value, key = fused_values[n], (segment, self._runs[n])
                if value is not None:
                    score = smoothing.setdefault(key, CausalGaussian()).add(
                        self._times[n], score_of(fused.rarity(value))
                    )
                    runs.setdefault(key, []).append((self._times[n], score))
        return event_rule([_columns(run) for run in runs.values()], self._false_alarms_per_day)

    def _footage(self, sources: Sequence[str]) -> Footage:
        vectors = {
            spec.name: sum(len(frame[position]) for frame in self._frames[:: spec.stride])
            for position, spec in enumerate(self._profile.streams)
        }
        return Footage(tuple(sources), self._seen, round(self._seconds, 3), self._thinned, vectors)


def _columns(run: Sequence[tuple[float, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = np.array(run, np.float64)
    return table[:, 0], table[:, 1]
