"""Learning a bank: normal footage in, exemplars of three seeds, calibrations and thresholds out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.alarms.alarm_threshold import FALSE_ALARMS_PER_DAY
from models.alarms.calibration import MIN_VALUES, AnyCalibration, Calibration, calibration_of
from models.banks.bank import Bank, Footage, StreamBank
from models.banks.context_split import CONTEXTS, Division, HeldOut, divide, gain_of, hold_out_apart, names_of
from models.banks.coverage import Coverage, StreamCoverage
from models.banks.cross_validation import FoldDistances, HeldOutFrames, SmallerBank, cover, distances_of
from models.banks.folds import CURVE, FOLDS, Folds, PartOfFolds
from models.banks.held_out_fusion import HeldOutFusion, calibration_of_known
from models.banks.views import views_of
from models.exemplars.perspective import Perspective
from models.exemplars.provenance import (
    THUMBNAILS_MB,
    ExemplarOrigins,
    FootageIndex,
    FootageMoments,
    Moment,
    StoredPicture,
)
from models.frames.frame import Features
from models.frames.optical_flow import MAX_GAP_S
from models.frames.view import View
from models.profiles.profile import NEVER_SILENT, Fusion, Profile, StreamKind
from models.streams.base import AveragingStream, CompactStream, PerspectiveStream, ScaledStream, Stream
from patchwatch.contract.errors import InsufficientFootageError
from patchwatch.contract.learning_advice import LEAST_MINUTES

MIN_FOOTAGE_S = 5.0
MIN_FRAMES = 25
_KEPT_MB = 400  # of vectors, beyond which footage is thinned as beyond `MAX_FRAMES`
_MOST_SILENT = 0.4  # of the frames, for want of one shortly before
_LEAST_WINDOWS = 60  # beside each other: three are beyond where the rarest twentieth of what stays begins
MAX_FRAMES = 20_000  # kept in memory; beyond, every other stretch of footage is let go, again and again
THINNED_S = 30.0  # length of such a stretch: within it events are counted as they would be live

Progress = Callable[[float], None]
_Drawn = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


class BankBuilder:
    """Collects the features of normal footage, then builds the bank.

    Frames come in order, source by source. Memory is bounded: past 20,000 kept frames only every second
    half minute is kept, then every fourth, and so on; the bank's footage records it.
    """

    def __init__(
        self,
        profile: Profile,
        streams: Sequence[Stream],
        identity: dict[str, Any],
        false_alarms_per_day: float = FALSE_ALARMS_PER_DAY,
        thumbnails_mb: float = THUMBNAILS_MB,
        view: View | None = None,
        contexts: bool = True,
    ) -> None:
        """``view``: what counts in the footage, as it did when its features were extracted; None: all of it.
        ``contexts``: whether some may be split off."""
        self._contexts = contexts
        self._view = view or View()
        self._profile = profile
        self._streams = list(streams)
        self._divisions: list[Division | None] = [None] * len(self._streams)  # those by which exemplars are drawn
        self._identity = identity
        self._false_alarms_per_day = false_alarms_per_day
        self._keep = [stream.kept if isinstance(stream, CompactStream) else None for stream in self._streams]
        self._kept_bytes = 0
        self._last_kept: list[tuple[Features, Features] | None] = [None] * len(self._streams)  # as given, as kept
        self._footage_index = FootageIndex(thumbnails_mb)
        self._frames: list[tuple[Features, ...]] = []
        self._times: list[float] = []
        self._stretches: list[int] = []  # number of the half minute of footage each kept frame belongs to
        self._runs: list[int] = []  # number of the unbroken run each kept frame belongs to
        self._seen = self._run = self._cuts = 0
        self._seconds = 0.0
        self._last_s: float | None = None
        self._thinned = 1

    def add(
        self,
        at_s: float,
        features: Sequence[Features],
        picture: NDArray[np.uint8] | StoredPicture,
        *,
        moment: Moment | None = None,
        starts_run: bool = False,
        cut: bool = False,
    ) -> None:
        """Take the features of one normal frame, one `Features` per stream, and its ``picture``: uint8 RGB
        (h, w, 3), or what is left of it.

        ``moment``: where it is in its source; None: at ``at_s`` in the first. ``starts_run``: a new source, a gap,
        or a ``cut``, which is counted.
        """
        self._cuts += cut
        if starts_run or self._last_s is None or at_s < self._last_s:
            self._run += 1
        else:
            self._seconds += at_s - self._last_s
        self._last_s = at_s
        stretch = int(self._seconds // THINNED_S)
        if stretch % self._thinned == 0:
            self._frames.append(tuple(self._compact(stream, part) for stream, part in enumerate(features)))
            self._times.append(at_s)
            self._runs.append(self._run)
            self._stretches.append(stretch)
            self._footage_index.add(moment or Moment(0, at_s), picture)
        self._seen += 1
        if self._stretches[-1] and (len(self._frames) > MAX_FRAMES or self._kept_bytes > _KEPT_MB * 2**20):
            self._thin()  # of a single stretch there is nothing to let go

    def _compact(self, stream: int, features: Features) -> Features:
        """As they are kept: once where a stream gives those of the last frame again, and narrower where it says so."""
        last, dtype = self._last_kept[stream], self._keep[stream]
        if last is not None and last[0] is features:
            return last[1]
        kept = features if dtype is None else replace(features, vectors=features.vectors.astype(dtype))
        self._last_kept[stream] = features, kept
        self._kept_bytes += _bytes(kept)
        return kept

    @property
    def next_free_s(self) -> float:
        """A time after all frames so far: add it to a further source's own times."""
        return 0.0 if self._last_s is None else self._last_s + 1.0

    def _thin(self) -> None:
        self._thinned *= 2
        kept = [n for n, stretch in enumerate(self._stretches) if stretch % self._thinned == 0]
        self._footage_index.thin(kept)
        self._frames, self._times = [self._frames[n] for n in kept], [self._times[n] for n in kept]
        self._runs, self._stretches = [self._runs[n] for n in kept], [self._stretches[n] for n in kept]
        self._kept_bytes = sum(map(_bytes, {id(part): part for frame in self._frames for part in frame}.values()))

    def build(self, sources: Sequence[str], progress: Progress = lambda done: None) -> Bank:
        """Draw the exemplars, calibrate on held-out footage, set thresholds. A builder builds one bank.

        Raises `InsufficientFootageError` naming what is missing.
        """
        self._check_footage()
        self._check_rate()
        perspectives = self._measure_by_perspective()
        folds = self._folds()
        drawn = []
        for number in range(folds.count):
            drawn.append(self._draw_without(folds, number))
            progress((number + 1) / (folds.count + 2))
        held_out, patterns = self._hold_out(drawn, folds)
        banks, moments = self._draw_with_origins(patterns)
        calibrations = self._calibrate(held_out)
        fusion = HeldOutFusion(self._profile, self._times, self._runs)
        staying = self._calibrate_staying(fusion.staying(held_out), calibrations)
        groups, fused_values = fusion.fuse(held_out, calibrations, staying)
        fused = calibration_of_known(fused_values)
        progress((folds.count + 1) / (folds.count + 2))
        coverage = self._cover(banks, held_out, folds)
        progress(1.0)
        return Bank(
            self._profile, self._identity,
            tuple(replace(bank, perspective=line) for bank, line in zip(banks, perspectives, strict=True)),
            tuple(calibrations), fused,
            fusion.threshold(fused_values, fused), self._false_alarms_per_day, self._footage(sources),
            datetime.now(UTC).isoformat(timespec="seconds"), moments, coverage, groups, self._view, staying,
        )  # fmt: skip

    def _check_footage(self) -> None:
        if self._seconds < MIN_FOOTAGE_S or len(self._frames) < MIN_FRAMES:
            raise InsufficientFootageError(
                f"{self._seconds:.1f} s of normal footage ({len(self._frames)} analysed frames) is too little to learn "
                f"from: give at least {MIN_FOOTAGE_S:.0f} s and {MIN_FRAMES} frames, "
                f"better {LEAST_MINUTES} minutes or more"
            )

    def _check_rate(self) -> None:
        moving = [n for n, spec in enumerate(self._profile.streams) if spec.kind is StreamKind.MOTION]
        steps = np.diff(self._times)[np.diff(self._runs) == 0]
        interval_s = float(np.median(steps)) if len(steps) else 0.0
        silent = [sum(not len(frame[n]) for frame in self._frames) / len(self._frames) for n in moving]
        if interval_s <= MAX_GAP_S or max(silent, default=0.0) < _MOST_SILENT:
            return
        raise InsufficientFootageError(
            f"the pictures are {interval_s:.1f} s apart, and movement is followed over at most {MAX_GAP_S:g} s: raise "
            "the camera's frame rate, or the analysis rate (PATCHWATCH_ANALYSIS_FPS, or the camera's `fps`), and enrol "
            "again"
        )

    def _measure_by_perspective(self) -> list[Perspective | None]:
        """Per stream the perspective its vectors are measured by, from here on; None: they have no sizes."""
        perspectives: list[Perspective | None] = []
        for position, stream in enumerate(self._streams):
            frames = [frame[position] for frame in self._frames]
            perspectives.append(stream.perspective(frames) if isinstance(stream, PerspectiveStream) else None)
        self._frames = [tuple(map(_measured, frame, perspectives)) for frame in self._frames]
        return perspectives

    def _folds(self) -> Folds:
        times_s, runs = np.array(self._times, np.float64), np.array(self._runs, np.int64)
        return Folds.take_turns(times_s, runs, self._seconds / self._thinned, self._views())

    def _views(self) -> NDArray[np.int64] | None:
        """Of each frame the view that it shows, where a stream tells."""
        places = next((n for n, spec in enumerate(self._profile.streams) if spec.kind is StreamKind.PLACE), None)
        return None if places is None else views_of([frame[places] for frame in self._frames])

    def _draw_without(self, folds: Folds, number: int) -> list[StreamBank]:
        """The banks of all streams while a fold is held out."""
        banks = [self._bank_without(position, folds, number) for position in range(len(self._streams))]
        self._check_seen(banks)
        return banks

    def _bank_without(self, position: int, folds: Folds, number: int) -> StreamBank:
        chosen = folds.without([number], self._streams[position].look_back_s)
        return self._bank(position, self._draw_stream(position, chosen, self._profile.seeds)[0])

    def _bank(self, position: int, vectors: NDArray[np.float32]) -> StreamBank:
        stream = self._streams[position]
        return StreamBank(vectors, neighbours=stream.neighbours if isinstance(stream, AveragingStream) else 1)

    def _hold_out(
        self, drawn: Sequence[Sequence[StreamBank]], folds: Folds
    ) -> tuple[list[list[HeldOutFrames | None]], list[StreamBank]]:
        """Per stream: every frame against the bank without its fold, and a bank in the scales and contexts so found."""
        held_out, patterns = [], []
        for position, stream in enumerate(self._streams):
            banks = [fold[position] for fold in drawn]
            frames = [frame[position] for frame in self._frames]
            distances = FoldDistances(banks, folds.of, frames)
            measured = distances.by(banks)
            if isinstance(stream, ScaledStream):
                scales = stream.scales(*distances_of(frames, measured))
                banks = [replace(bank, scales=scales) for bank in banks]
                together = HeldOut(banks, folds.of, distances.by(banks))
                best = self._with_contexts(position, stream, folds, together)
                banks, measured = list(best.banks), list(best.measured)
            held_out.append(measured)
            patterns.append(banks[0])
        return held_out, patterns

    def _with_contexts(self, position: int, stream: ScaledStream, folds: Folds, together: HeldOut) -> HeldOut:
        """As it is ``together``, or with contexts where these tell more apart."""
        frames, frame_s = [frame[position] for frame in self._frames], self._thinned * self._seconds / self._seen
        division = self._divisions[position] = divide(frames, frame_s) if self._contexts else None
        if division is None:
            return together
        bare = [self._bank_without(position, folds, number) for number in range(folds.count)]
        apart = hold_out_apart(
            division.contexts(names_of(division, self._footage_index.thumbnails), frame_s), division, bare,
            folds.of, frames, lambda measured: stream.scales(*distances_of(frames, measured)),
        )  # fmt: skip
        gain = gain_of(frames, together, apart)
        if gain.low > 0:
            return apart.with_gain(gain)
        self._divisions[position] = None
        return together

    def _draw_with_origins(self, patterns: Sequence[StreamBank]) -> tuple[list[StreamBank], FootageMoments]:
        whole, seeds = range(len(self._frames)), self._profile.seeds
        drawn = [self._draw_stream(position, whole, seeds) for position in range(len(self._streams))]
        moments, rows = self._footage_index.moments([entries for _, entries, _ in drawn])
        banks = []
        for position, (vectors, entries, regions) in enumerate(drawn):
            boxes = self._footage_index.boxes(entries, regions, [frame[position] for frame in self._frames])
            origins = ExemplarOrigins.from_boxes(rows[position], boxes)
            banks.append(replace(patterns[position], vectors=vectors, origins=origins))
        return banks, moments

    def _draw_stream(self, position: int, chosen: Iterable[int], seeds: Sequence[int]) -> _Drawn:
        """Of these seeds: vectors, the kept frame each was seen in, and the region there; no exemplars of nothing.
        Those of one context after the other, where the stream has some."""
        division = self._divisions[position]
        if division is None:
            return self._draw(position, chosen, seeds)
        parts = [self._draw(position, division.of(context, chosen), seeds) for context in range(CONTEXTS)]
        vectors, entries, regions = (np.concatenate(column, axis=2) for column in zip(*parts, strict=True))
        return vectors, entries, regions

    def _draw(self, position: int, chosen: Iterable[int], seeds: Sequence[int]) -> _Drawn:
        stream, spec = self._streams[position], self._profile.streams[position]
        strided = [n for n in chosen if n % spec.stride == 0]
        tries = (strided,) if self._profile.fusion is Fusion.DISTANCE else (strided, chosen)
        kept = next((np.array(some) for some in tries if any(len(self._frames[n][position]) for n in some)), None)
        if kept is None:
            none = np.zeros((len(seeds), 1, 0), np.int64)
            return np.zeros((len(seeds), 1, 0, stream.dim), np.float32), none, none
        drawn = [stream.exemplars([self._frames[n][position] for n in kept], seed) for seed in seeds]
        return (
            np.stack([exemplars.vectors for exemplars in drawn]).astype(np.float32, copy=False),
            kept[np.stack([exemplars.frames for exemplars in drawn])],
            np.stack([exemplars.regions for exemplars in drawn]),
        )

    def _needs_everything(self, kind: StreamKind) -> bool:
        """Raw distances cannot be added where one is unknown."""
        return self._profile.fusion is Fusion.DISTANCE or kind in NEVER_SILENT

    def _check_seen(self, banks: Sequence[StreamBank]) -> None:
        for spec, bank in zip(self._profile.streams, banks, strict=True):
            if bank.empty and self._needs_everything(spec.kind):
                raise InsufficientFootageError(
                    f"stream {spec.name!r} found nothing in the normal footage to learn from (no person?): "
                    "give footage that shows what normally happens, or choose a profile without this stream"
                )

    def _calibrate(self, held_out: Sequence[Sequence[HeldOutFrames | None]]) -> list[AnyCalibration]:
        calibrations = []
        for spec, stream, measured in zip(self._profile.streams, self._streams, held_out, strict=True):
            values = np.array([frame.distance.value for frame in measured if frame is not None], np.float64)
            if len(values) < MIN_VALUES and self._needs_everything(spec.kind):
                raise InsufficientFootageError(
                    f"stream {spec.name!r} found evidence in only {len(values)} normal frames, but calibration needs "
                    f"{MIN_VALUES}: give longer footage that shows what normally happens"
                )
            calibrations.append(calibration_of(values, len(measured), stream.resolution))
        return calibrations

    def _calibrate_staying(
        self, columns: Sequence[Sequence[float | None]], of_streams: Sequence[AnyCalibration]
    ) -> tuple[AnyCalibration, ...]:
        """What stays is told no finer than what passes: else the light of another hour would be the rarest of all.
        Where there is too little footage to tell, or its runs are too short, nothing that stays is rare."""
        calibrations = []
        for (position, staying_s), column in zip(self._profile.staying, columns, strict=True):
            known = np.array([value for value in column if value is not None], np.float64)
            windows = len(known) / len(column) * self._seconds / self._thinned / staying_s
            enough = windows >= _LEAST_WINDOWS and len(known) >= MIN_VALUES
            values = known if enough else np.full(len(column), np.inf)
            passing, resolution = of_streams[position], self._streams[position].resolution
            finest = max(resolution, passing.tail_scale) if isinstance(passing, Calibration) else resolution
            calibrations.append(calibration_of(values, len(column), finest))
        return tuple(calibrations)

    def _cover(
        self, banks: Sequence[StreamBank], held_out: Sequence[Sequence[HeldOutFrames | None]], folds: Folds
    ) -> Coverage:
        streams = [
            self._cover_stream(n, bank, measured, folds)
            for n, (bank, measured) in enumerate(zip(banks, held_out, strict=True))
        ]
        return Coverage.from_streams(self._seconds, self._seen, folds.count, streams)

    def _cover_stream(
        self, position: int, bank: StreamBank, held_out: Sequence[HeldOutFrames | None], folds: Folds
    ) -> StreamCoverage:
        parts = CURVE if folds.count == FOLDS else ()
        smaller = [self._smaller_bank(position, bank, folds, part) for part in parts]
        frames = [frame[position] for frame in self._frames]
        name = self._profile.streams[position].name
        return cover(name, bank, frames, held_out, self._footage_index.sizes, smaller)

    def _smaller_bank(self, position: int, bank: StreamBank, folds: Folds, part: PartOfFolds) -> SmallerBank:
        """Of the first seed alone."""
        chosen = folds.without(part.without, self._streams[position].look_back_s)
        vectors = self._draw_stream(position, chosen, self._profile.seeds[:1])[0]
        return SmallerBank(part.share, replace(bank, vectors=vectors, origins=None), folds.frames(part.of))

    def _footage(self, sources: Sequence[str]) -> Footage:
        vectors = {
            spec.name: sum(len(frame[position]) for frame in self._frames[:: spec.stride])
            for position, spec in enumerate(self._profile.streams)
        }
        return Footage(tuple(sources), self._seen, round(self._seconds, 3), self._thinned, vectors, self._cuts)


def _bytes(features: Features) -> int:
    return features.vectors.nbytes + features.boxes_xyxy_px.nbytes + features.groups.nbytes


def _measured(features: Features, perspective: Perspective | None) -> Features:
    return features if perspective is None else replace(features, vectors=perspective.by_usual_height(features.vectors))
