"""Enrolment and scoring of recordings without a queue: the same pictures, the same method as live."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from models.analyzer import Analyzer, Reading
from models.bank import Bank
from models.bankfile import check_identity
from models.engine import Engine, NetworkOptions
from models.frame import Frame
from models.learning import Learner
from models.perception import View
from models.profile import load_profile
from patchwatch.messages.source import redact
from patchwatch.settings import Settings
from workers.ingest import picture
from workers.ingest.video import SampledFrame, Video, VideoOptions

_READING_SHARE = 0.8  # of an enrolment's time, for the progress bar; the rest is drawing exemplars

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Reader:
    """How recordings become frames: sampled, scaled and compressed exactly as the ingest worker does."""

    video: VideoOptions
    jpeg_quality: int
    batch_frames: int
    limit_s: float | None = None  # read at most this much of each source

    @classmethod
    def of(cls, settings: Settings, analysis_fps: float | None = None) -> Reader:
        options = VideoOptions(
            analysis_fps=analysis_fps or settings.analysis_fps,
            max_side_px=settings.max_side_px,
            max_picture_px=settings.max_picture_px,
            timeout_s=settings.source_timeout_s,
        )
        return cls(options, settings.jpeg_quality, settings.batch_frames)

    def open(self, source: str | Path) -> Video:
        """A file, or an RTSP address. Raises the source errors of `Video.open`."""
        live = isinstance(source, str)
        return Video.open(source, options=replace(self.video, live=live))

    def batches(self, video: Video) -> Iterator[list[tuple[SampledFrame, Frame]]]:
        """Frames in order, a batch at a time, each as the inference worker would decode it."""
        frames = self._frames(video)
        while batch := list(islice(frames, self.batch_frames)):
            yield batch

    def _frames(self, video: Video) -> Iterator[tuple[SampledFrame, Frame]]:
        for sampled in video.frames():
            if self.limit_s is not None and sampled.media_time_s > self.limit_s:
                return
            rgb = picture.decode(picture.encode(sampled.rgb, self.jpeg_quality))
            yield sampled, Frame(rgb, sampled.media_time_s, sampled.discontinuity)


@dataclass(frozen=True)
class ScoredFrame:
    """One scored frame of a recording; times are seconds since its start."""

    media_time_s: float
    source_width: int
    source_height: int
    width: int
    height: int
    reading: Reading


def load_engine(settings: Settings, profile: str) -> Engine:
    """The engine of a named profile with these settings. Raises `ConfigurationError`, `WeightsMissingError`."""
    return Engine.load(
        load_profile(profile, settings.profiles_file),
        NetworkOptions(
            weights_dir=settings.weights_dir,
            clip_weights=settings.clip_weights,
            detector_weights=settings.detector_weights,
            device=settings.device,
            threads=settings.threads,
            random_clip=settings.random_clip_weights,
        ),
    )


def learn(
    engine: Engine, sources: Sequence[str | Path], reader: Reader, progress: Progress = lambda done, what: None
) -> Bank:
    """Learn a bank from recordings of normal. Raises `InsufficientFootageError` and the source errors."""
    learner = Learner(engine.profile, engine.streams, engine.identity)
    for number, source in enumerate(sources):
        view, offset_s, starts = View(), learner.next_free_s, True
        with reader.open(source) as video:
            duration_s = reader.limit_s or video.duration_s
            for batch in reader.batches(video):
                frames = [frame for _, frame in batch]
                for frame, features in zip(frames, engine.extract(frames, [view] * len(frames)), strict=True):
                    learner.add(offset_s + frame.at_s, features, starts_run=starts or frame.discontinuity)
                    starts = False
                share = min(1.0, frames[-1].at_s / duration_s) if duration_s else 0.5
                progress(_READING_SHARE * (number + share) / len(sources), f"reading {_name(source)}")
    return learner.build(
        [_name(source) for source in sources],
        lambda done: progress(_READING_SHARE + (1 - _READING_SHARE) * done, "drawing exemplars, calibrating"),
    )


def score(engine: Engine, bank: Bank, source: str | Path, reader: Reader) -> Iterator[ScoredFrame]:
    """Score a recording frame by frame as the live path would.

    Raises `BankMismatchError` before the first frame when the bank was learnt with something else.
    """
    check_identity(bank, engine.profile, engine.identity)
    analyzer, view = Analyzer(bank), View()
    with reader.open(source) as video:
        for batch in reader.batches(video):
            frames = [frame for _, frame in batch]
            for (sampled, frame), features in zip(batch, engine.extract(frames, [view] * len(frames)), strict=True):
                yield ScoredFrame(
                    sampled.media_time_s, sampled.source_width, sampled.source_height, frame.width, frame.height,
                    analyzer.read(features, frame.at_s),
                )  # fmt: skip


def _name(source: str | Path) -> str:
    return source.name if isinstance(source, Path) else redact(source)
