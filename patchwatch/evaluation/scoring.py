"""Features of clips, extracted once, and their scores by a bank."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Box as PixelBox
from models.frames.frame import CameraContext, Features
from models.profiles.profile import Fusion
from patchwatch.evaluation.clips import ClipFile
from patchwatch.evaluation.cost import CostMeter
from patchwatch.evaluation.report.clip_result import RelativeBox
from patchwatch.evaluation.statistics.metrics import Scores
from workers.analysis.clip_learner import ClipLearner
from workers.analysis.recordings import RecordingReader

Progress = Callable[[float], None]


@dataclass(frozen=True)
class ExtractedFrame:
    """The features of one analysed frame. ``size``: width, height of the analysed picture."""

    at_s: float
    discontinuity: bool
    size: tuple[int, int]
    features: tuple[Features, ...]
    cut: bool = False


@dataclass(frozen=True)
class ExtractedClip:
    """A clip whose features are in memory, so that it can be learnt from and scored repeatedly without its pictures."""

    name: str
    frames: tuple[ExtractedFrame, ...]

    @property
    def duration_s(self) -> float:
        return self.frames[-1].at_s - self.frames[0].at_s


def extract_clip(engine: Engine, clip: ClipFile, reader: RecordingReader, meter: CostMeter) -> ExtractedClip:
    """Read a clip and extract its features, from a fresh state. Raises the source errors."""
    view, seen = CameraContext(), []
    with reader.open(clip.path) as video:
        for batch in reader.batches(video):
            frames = [frame for _, frame in batch]
            for frame, features in zip(frames, meter.extract(engine, frames, view), strict=True):
                size = (frame.width, frame.height)
                seen.append(ExtractedFrame(frame.at_s, frame.discontinuity, size, features, frame.cut))
    return ExtractedClip(clip.name, tuple(seen))


def learn(
    engine: Engine, clips: Sequence[ExtractedClip], false_alarms_per_day: float, progress: Progress = lambda done: None
) -> Bank:
    """The bank that `recordings.learn` learns from the same clips. Raises `InsufficientFootageError`."""
    learner = ClipLearner(
        BankBuilder(engine.profile, engine.streams, engine.identity, false_alarms_per_day, thumbnails_mb=0.0)
    )
    for clip in clips:
        learner.begin(clip.name)
        for frame in clip.frames:
            rgb = _blank(frame.size)
            learner.add(frame.at_s, frame.features, rgb, discontinuity=frame.discontinuity, cut=frame.cut)
    return learner.build(progress)


def _blank(size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture that takes no memory. Without thumbnails the bank builder needs only its size."""
    return np.broadcast_to(np.uint8(0), (size[1], size[0], 3))


@dataclass(frozen=True)
class ScoredClip:
    """The readings of a clip's analysed frames, from a fresh state, as live."""

    clip: ExtractedClip
    readings: tuple[FrameScore, ...]

    @cached_property
    def at_s(self) -> NDArray[np.float64]:
        return np.array([frame.at_s for frame in self.clip.frames])

    @cached_property
    def service(self) -> Scores:
        return np.array([reading.score for reading in self.readings])

    @cached_property
    def unsmoothed(self) -> Scores:
        return np.array([reading.unsmoothed for reading in self.readings])

    def raw(self, fusion: Fusion) -> tuple[NDArray[np.float64], Scores]:
        """Times and fused values of the frames that at least one stream has judged."""
        judged = [
            fusion is Fusion.DISTANCE or any(rarity is not None for rarity in reading.rarities)
            for reading in self.readings
        ]
        values = np.array([reading.raw for reading in self.readings])
        return self.at_s[judged], values[judged]

    @property
    def boxes(self) -> Iterator[RelativeBox | None]:
        """The region of the leading stream, as fractions of the picture."""
        for frame, reading in zip(self.clip.frames, self.readings, strict=True):
            yield None if reading.box_xyxy_px is None else relative_box(reading.box_xyxy_px, frame.size)


def score(bank: Bank, clip: ExtractedClip, meter: CostMeter) -> ScoredClip:
    """Score a clip frame by frame as the live path would, from a fresh state."""
    scorer = FrameScorer(bank)
    with meter.scoring(len(clip.frames)):
        readings = tuple(
            scorer.score(frame.features, frame.at_s, discontinuity=frame.discontinuity) for frame in clip.frames
        )
    return ScoredClip(clip, readings)


def relative_box(box: PixelBox, size: tuple[int, int]) -> RelativeBox:
    """A box in pixels as fractions of a picture of this width and height."""
    x1, y1, x2, y2 = (edge / side for edge, side in zip(box, size * 2, strict=True))
    return (_fraction(x1), _fraction(y1), _fraction(x2), _fraction(y2))


def _fraction(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)
