"""Learns from recordings and scores them without a queue, on the same pictures and by the same method as live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from models.alarms.alarm_threshold import FALSE_ALARMS_PER_DAY
from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import check_identity
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.exemplars.provenance import THUMBNAILS_MB, Moment
from models.frames.frame import CameraContext, Features, Frame
from models.frames.scene_cuts import SceneCuts
from models.frames.view import WHOLE_VIEW, View, ViewMask
from models.tampering.condition import Blindness, Condition, ConditionKind
from models.tampering.detector import TamperingDetector
from models.tampering.expectation import Expectation
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.redaction import redact
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.explanation import Explanation
from workers.analysis.explanation import explanation_of
from workers.media import jpeg_codec
from workers.media.container import VideoOptions
from workers.media.frame_folder import FRAME_RATE, FrameFolder
from workers.media.video import SampledFrame, Video
from workers.rtsp_client.tls import TlsOptions

_READING_SHARE = 0.8  # of an enrolment's time, for the progress bar; the rest is drawing exemplars
_SAME_INSTANT_S = 1e-4  # times typed by people are rounded

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class RecordingReader:
    """How recordings become frames: sampled, scaled and compressed exactly as the ingest worker does."""

    video: VideoOptions
    jpeg_quality: int
    batch_frames: int
    limit_s: float | None = None  # read at most this much of each source
    frame_rate: float = FRAME_RATE  # of sources that are folders of pictures
    on_packet: Callable[[], None] = lambda: None  # called for whatever arrives, sampled or not
    view: View = WHOLE_VIEW  # what counts in the pictures

    @classmethod
    def from_settings(
        cls, settings: Settings, analysis_fps: float | None = None, view: View | None = None
    ) -> RecordingReader:
        options = VideoOptions(
            analysis_fps=analysis_fps or settings.analysis_fps,
            max_side_px=settings.max_side_px,
            max_picture_px=settings.max_picture_px,
            timeout_s=settings.source_timeout_s,
            allow_link_local=settings.allow_link_local_sources,
            tls=TlsOptions(ca_file=settings.source_ca_file),
        )
        return cls(options, settings.jpeg_quality, settings.batch_frames, view=view or WHOLE_VIEW)

    def open(self, source: str | Path) -> Video | FrameFolder:
        """A file, a folder of pictures, or an RTSP address. Raises the source errors of `Video.open`."""
        live = isinstance(source, str)
        if isinstance(source, Path) and source.is_dir():
            return FrameFolder(source, frame_rate=self.frame_rate, options=self._options)
        return Video.open(source, options=replace(self._options, live=live))

    @property
    def _options(self) -> VideoOptions:
        return replace(self.video, hidden=self.view.hidden)

    def batches(self, video: Video | FrameFolder) -> Iterator[list[tuple[SampledFrame, Frame]]]:
        """Frames in order, a batch at a time, each as the inference worker would decode it."""
        frames = self._frames(video)
        while batch := list(islice(frames, self.batch_frames)):
            yield batch

    def _frames(self, video: Video | FrameFolder) -> Iterator[tuple[SampledFrame, Frame]]:
        cuts, mask = SceneCuts(), ViewMask(self.view)
        for sampled in video.frames(self.on_packet):
            if self.limit_s is not None and sampled.media_time_s > self.limit_s:
                return
            rgb = jpeg_codec.decode(jpeg_codec.encode(sampled.rgb, self.jpeg_quality))
            frame = Frame(rgb, sampled.media_time_s, sampled.discontinuity, predicted=sampled.predicted)
            yield sampled, cuts.mark(frame, mask)


@dataclass(frozen=True)
class RecordingScore:
    """The score of one frame of a recording; times are seconds since its start. ``opened``: what is wrong with the
    picture as a whole from about here on, in words; a live camera has an alert of its own then."""

    media_time_s: float
    source_width: int
    source_height: int
    width: int
    height: int
    score: FrameScore
    opened: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnalysedFrame:
    """A scored frame with its picture and the features that each stream extracted."""

    result: RecordingScore
    frame: Frame
    features: tuple[Features, ...]


@dataclass(frozen=True)
class ExplainedFrame:
    """One frame of a recording with its explanation. ``jpeg``: its picture as it was analysed."""

    result: RecordingScore
    explanation: Explanation
    jpeg: bytes


@dataclass(frozen=True)
class Clip:
    """An unbroken piece of footage: frames in order, a batch at a time. ``duration_s``: None when unknown.

    ``live``: its frames' times are Unix times; those of a recording count from its start. ``view``: what counts.
    """

    name: str
    duration_s: float | None
    batches: Iterable[Sequence[Frame]]
    live: bool = False
    view: View = WHOLE_VIEW


def recorded_clips(sources: Sequence[str | Path], reader: RecordingReader) -> Iterator[Clip]:
    """Recordings one after the other, each closed when the next is asked for. Raises the source errors."""
    for source in sources:
        with reader.open(source) as video:
            batches = ([frame for _, frame in batch] for batch in reader.batches(video))
            yield Clip(_name(source), reader.limit_s or video.duration_s, batches, view=reader.view)


def learn(
    engine: Engine,
    clips: Iterable[Clip],
    *,
    count: int,
    false_alarms_per_day: float = FALSE_ALARMS_PER_DAY,
    thumbnails_mb: float = THUMBNAILS_MB,
    progress: Progress = lambda done, what: None,
) -> Bank:
    """Learn a bank from ``count`` clips of normal, which are of one view.

    Raises `InsufficientFootageError` and the clips' own errors.
    """
    clips, mask = _of_one_view(clips)
    builder = BankBuilder(
        engine.profile, engine.streams, engine.identity, false_alarms_per_day, thumbnails_mb, mask.view
    )
    names: list[str] = []
    for number, clip in enumerate(clips):
        names.append(clip.name)
        context, first_s, starts = CameraContext(mask=mask), None, True
        offset_s = builder.next_free_s
        for frames in clip.batches:
            first_s = frames[0].at_s if first_s is None else first_s
            for frame, features in zip(frames, engine.extract(frames, [context] * len(frames)), strict=True):
                since_s = frame.at_s - first_s
                moment = Moment(number, since_s, frame.at_s) if clip.live else Moment(number, frame.at_s)
                builder.add(
                    offset_s + since_s, features, frame.rgb, moment=moment,
                    starts_run=starts or frame.discontinuity, cut=frame.cut,
                )  # fmt: skip
                starts = False
            share = min(1.0, (frames[-1].at_s - first_s) / clip.duration_s) if clip.duration_s else 0.5
            progress(_READING_SHARE * (number + share) / count, f"reading {clip.name}")
    return builder.build(
        names, lambda done: progress(_READING_SHARE + (1 - _READING_SHARE) * done, "drawing exemplars, calibrating")
    )


def _of_one_view(clips: Iterable[Clip]) -> tuple[Iterator[Clip], ViewMask]:
    """The same clips, and what counts in all of them. Raises ValueError at a clip of another view than the first's."""
    rest = iter(clips)
    first = list(islice(rest, 1))
    mask = ViewMask(first[0].view if first else None)

    def checked() -> Iterator[Clip]:
        for clip in chain(first, rest):
            if clip.view != mask.view:
                raise ValueError(f"{clip.name}: a bank is learnt in one view")
            yield clip

    return checked(), mask


def score(engine: Engine, bank: Bank, source: str | Path, reader: RecordingReader) -> Iterator[RecordingScore]:
    """Score a recording frame by frame as the live path would, by what counts in the reader's view.

    Raises `BankMismatchError` before the first frame when the bank was learnt with something else.
    """
    return (frame.result for frame in analyse(engine, bank, source, reader))


def analyse(engine: Engine, bank: Bank, source: str | Path, reader: RecordingReader) -> Iterator[AnalysedFrame]:
    """As `score`, with each frame's picture and features, which take much memory if they are kept."""
    check_identity(bank, engine.profile, engine.identity)
    return _analyse(engine, bank, source, reader)


def _analyse(engine: Engine, bank: Bank, source: str | Path, reader: RecordingReader) -> Iterator[AnalysedFrame]:
    mask = ViewMask(reader.view, bank.view)
    scorer, context, tampering = FrameScorer(bank), CameraContext(mask=mask), TamperingDetector(mask=mask)
    tampering.expect(Expectation(bank.moments.thumbnails, mask))
    blindness = Blindness()
    with reader.open(source) as video:
        for batch in reader.batches(video):
            frames = [frame for _, frame in batch]
            for (sampled, frame), features in zip(batch, engine.extract(frames, [context] * len(frames)), strict=True):
                check = tampering.observe(frame)
                score = scorer.score(features, frame.at_s, check.gate, discontinuity=frame.discontinuity)
                silent = scorer.is_silent(score, as_learnt=mask.as_learnt)
                changes = [*check.changes, *blindness.observe(frame.at_s, silent=silent, jumped=frame.discontinuity)]
                result = RecordingScore(
                    sampled.media_time_s, sampled.source_width, sampled.source_height, frame.width, frame.height,
                    score, tuple(_words(change, tampering, blindness) for change in changes if change.ended_s is None),
                )  # fmt: skip
                yield AnalysedFrame(result, frame, features)


def _words(opened: Condition, tampering: TamperingDetector, blindness: Blindness) -> str:
    what = opened.kind.value.replace("_", " ")
    detail = blindness.detail if opened.kind is ConditionKind.BLIND else tampering.detail_of(opened.kind)
    return f"from {opened.started_s:.0f} s on the picture is {what}{': ' * bool(detail)}{detail}"


def explain(
    engine: Engine, bank: Bank, source: str | Path, reader: RecordingReader, *, camera_id: str, at_s: float
) -> ExplainedFrame:
    """Score a recording as far as ``at_s`` (seconds since its start), and explain the last frame up to there.

    Raises what `score` raises, and `RejectedError` when the recording has no frame then.
    """
    latest = None
    for analysed in analyse(engine, bank, source, reader):
        if analysed.result.media_time_s > at_s + _SAME_INSTANT_S:
            break
        latest = analysed
    else:
        if latest is None or at_s > latest.result.media_time_s + 1 / reader.video.analysis_fps:
            length_s = latest.result.media_time_s if latest else 0.0
            raise RejectedError(f"there is no frame at {at_s:g} s: the last is at {length_s:.1f} s")
    if latest is None:
        raise RejectedError(f"there is no frame at {at_s:g} s: the first is later")
    result = latest.result
    message = explanation_of(
        bank, latest.features, result.score,
        camera_id=camera_id, at_ms=round(result.media_time_s * 1000), seq=None,
        size=(result.width, result.height), source_size=(result.source_width, result.source_height),
        thumbnails=True, hidden=reader.view.hidden,
    )  # fmt: skip
    return ExplainedFrame(result, message, jpeg_codec.encode(latest.frame.rgb, reader.jpeg_quality))


def _name(source: str | Path) -> str:
    return source.name if isinstance(source, Path) else redact(source)
