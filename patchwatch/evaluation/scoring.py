"""The features of clips, extracted once, and what a bank says of them."""

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
from models.exemplars.provenance import Moment
from models.frames.frame import Box as PixelBox
from models.frames.frame import CameraContext, Features
from models.profiles.profile import Fusion
from patchwatch.evaluation.clips import ClipFile
from patchwatch.evaluation.cost import CostMeter
from patchwatch.evaluation.metrics import Scores
from patchwatch.evaluation.report import Box
from workers.analysis.recordings import RecordingReader

Progress = Callable[[float], None]


@dataclass(frozen=True)
class SeenFrame:
    """One analysed frame: its features instead of its picture. ``size``: width, height of the analysed picture."""

    at_s: float
    discontinuity: bool
    size: tuple[int, int]
    features: tuple[Features, ...]
    cut: bool = False


@dataclass(frozen=True)
class SeenClip:
    """A clip whose features are in memory: learnt from and scored as often as wanted without its pictures."""

    name: str
    frames: tuple[SeenFrame, ...]

    @property
    def duration_s(self) -> float:
        return self.frames[-1].at_s - self.frames[0].at_s


def see(engine: Engine, clip: ClipFile, reader: RecordingReader, meter: CostMeter) -> SeenClip:
    """Read a clip and extract its features, from a fresh state. Raises the source errors."""
    view, seen = CameraContext(), []
    with reader.open(clip.path) as video:
        for batch in reader.batches(video):
            frames = [frame for _, frame in batch]
            for frame, features in zip(frames, meter.extract(engine, frames, view), strict=True):
                size = (frame.width, frame.height)
                seen.append(SeenFrame(frame.at_s, frame.discontinuity, size, features, frame.cut))
    return SeenClip(clip.name, tuple(seen))


def learn(
    engine: Engine, clips: Sequence[SeenClip], false_alarms_per_day: float, progress: Progress = lambda done: None
) -> Bank:
    """The bank that `recordings.learn` learns from the same clips. Raises `InsufficientFootageError`."""
    learner = BankBuilder(engine.profile, engine.streams, engine.identity, false_alarms_per_day, thumbnails_mb=0.0)
    for source, clip in enumerate(clips):
        offset_s = learner.next_free_s - clip.frames[0].at_s
        for number, frame in enumerate(clip.frames):
            learner.add(
                offset_s + frame.at_s, frame.features, _blank(frame.size), moment=Moment(source, frame.at_s),
                starts_run=number == 0 or frame.discontinuity, cut=frame.cut,
            )  # fmt: skip
    return learner.build([clip.name for clip in clips], progress)


def _blank(size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture that takes no memory: without thumbnails the learner needs its size only."""
    return np.broadcast_to(np.uint8(0), (size[1], size[0], 3))


@dataclass(frozen=True)
class ScoredClip:
    """The readings of a clip's analysed frames, from a fresh state, as live."""

    clip: SeenClip
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
        """Times and fused values of the frames that some stream had something to say of."""
        spoke = [
            fusion is Fusion.DISTANCE or any(rarity is not None for rarity in reading.rarities)
            for reading in self.readings
        ]
        values = np.array([reading.raw for reading in self.readings])
        return self.at_s[spoke], values[spoke]

    @property
    def boxes(self) -> Iterator[Box | None]:
        """Where the leading stream looked, as shares of the picture."""
        for frame, reading in zip(self.clip.frames, self.readings, strict=True):
            yield None if reading.box_xyxy_px is None else relative(reading.box_xyxy_px, frame.size)


def score(bank: Bank, clip: SeenClip, meter: CostMeter) -> ScoredClip:
    """Score a clip frame by frame as the live path would, from a fresh state."""
    scorer = FrameScorer(bank)
    with meter.scoring(len(clip.frames)):
        readings = tuple(
            scorer.score(frame.features, frame.at_s, discontinuity=frame.discontinuity) for frame in clip.frames
        )
    return ScoredClip(clip, readings)


def relative(box: PixelBox, size: tuple[int, int]) -> Box:
    """A box in pixels as shares of a picture of this width and height."""
    x1, y1, x2, y2 = (edge / side for edge, side in zip(box, size * 2, strict=True))
    return (_share(x1), _share(y1), _share(x2), _share(y2))


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)
