"""Learns the bank of an order from recordings, or from the recording of a live camera. Loads the decoder."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from models.banks.bank import Bank
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.source import Source, redact
from workers.analysis.engine_loader import load_engine
from workers.analysis.recordings import Clip, RecordingReader, learn, recorded_clips
from workers.analysis.zone_view import view_of
from workers.enrolment.learning.live_footage import live_clip
from workers.enrolment.learning.protocol import LearningOrder
from workers.enrolment.learning.reporter import Reporter

_URLS = ("rtsp://", "rtsps://")
_T = TypeVar("_T")


def learn_from_footage(order: LearningOrder, settings: Settings, reporter: Reporter) -> Bank:
    """Learn the bank that is ordered. Raises what `recordings.learn` raises."""
    engine = load_engine(settings, order.profile)
    return learn(
        engine,
        _clips(order, settings, reporter),
        count=max(1, len(order.sources)),
        false_alarms_per_day=order.false_alarms_per_day,
        thumbnails_mb=settings.bank_thumbnails_mb,
        progress=reporter.progress,
    )


def _clips(order: LearningOrder, settings: Settings, reporter: Reporter) -> Iterator[Clip]:
    if order.live_descriptor is not None:
        yield live_clip(
            order.live_descriptor, order.camera_id, order.live_seconds, settings.batch_frames, view_of(order.zones)
        )
        return
    reader = replace(
        RecordingReader.from_settings(settings, order.analysis_fps, view_of(order.zones)),
        limit_s=order.limit_s, on_packet=reporter.beat,
    )  # fmt: skip
    for text in order.sources:
        waiting = partial(reporter.reading, redact(text))
        for clip in _watched(_opened_clips(text, reader, settings), waiting):
            yield replace(clip, batches=_watched(clip.batches, waiting))


def _opened_clips(text: str, reader: RecordingReader, settings: Settings) -> Iterator[Clip]:
    """All access to the file system, which may hang, happens in here."""
    source: str | Path = text
    if text.startswith("file:"):
        source = Source.parse(text).within(settings.allowed_media_dirs)
    elif not text.startswith(_URLS):
        source = Path(text)
    if isinstance(source, Path):
        check_regular(source)
    yield from recorded_clips([source], reader)


def _watched(items: Iterable[_T], waiting: Callable[[], AbstractContextManager[None]]) -> Iterator[_T]:
    """The same items; ``waiting`` is entered while the next one is waited for."""
    iterator = iter(items)
    while True:
        with waiting():
            item = next(iterator, None)
        if item is None:
            return
        yield item


def check_regular(path: Path) -> None:
    """Raises `RejectedError` for a path that exists and is no file: opening a pipe may wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # opening it will say what is wrong
    if stat.S_ISDIR(mode):
        raise RejectedError(f"{path} is a folder: name a video, a folder of pictures does not say its rate")
    if not stat.S_ISREG(mode):
        raise RejectedError(f"{path} is a pipe, a socket or a device: copy the recording to a file, and enrol that")
