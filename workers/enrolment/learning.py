"""The process that reads footage and learns one bank: ``python -m workers.enrolment.learning``, order on its input.

Each job has its own process, so that a file that does not answer, or a crash of a decoder, ends this job alone.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from models.banks.bank_file import save_bank
from patchwatch.contract import logs
from patchwatch.contract.errors import PatchwatchError, RejectedError
from patchwatch.contract.settings import Settings, load_settings
from patchwatch.messages.source import Source, redact
from workers.analysis.engine_loader import load_engine
from workers.analysis.recordings import Clip, RecordingReader, learn, recorded_clips
from workers.analysis.zone_view import view_of
from workers.enrolment.live_footage import live_clip
from workers.enrolment.protocol import LearningOrder, LearningReport, ReportKind
from workers.runtime.parent_watch import stop_when_stdin_ends

_REPORT_EVERY_S = 0.25
_URLS = ("rtsp://", "rtsps://")
_T = TypeVar("_T")

log = logging.getLogger(__name__)


class Reporter:
    """Reports on a pipe how far the process is, and whether it waits for footage or computes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._share, self._what, self._reading = 0.0, "starting", ""
        self._sent_s = float("-inf")

    def progress(self, share: float, what: str) -> None:
        self._share, self._what = share, what
        self.beat()

    def beat(self) -> None:
        """Footage has arrived."""
        if time.monotonic() - self._sent_s >= _REPORT_EVERY_S:
            self._send()

    @contextmanager
    def reading(self, name: str) -> Iterator[None]:
        """While ``name`` is read, which may never answer."""
        self._reading = name
        self._send()
        try:
            yield
        finally:
            self._reading = ""
            self._send()

    def end(self, report: LearningReport) -> None:
        self._write(report)

    def _send(self) -> None:
        self._sent_s = time.monotonic()
        kind = ReportKind.PROGRESS
        self._write(LearningReport(kind=kind, share=self._share, what=self._what, reading=self._reading))

    def _write(self, report: LearningReport) -> None:
        os.write(self._descriptor, report.encode() + b"\n")


def learn_to_file(order: LearningOrder, settings: Settings, reporter: Reporter) -> None:
    """Learn the bank that is ordered and stage it. Raises what `recordings.learn` raises, and `StorageError`."""
    engine = load_engine(settings, order.profile)
    bank = learn(
        engine,
        _clips(order, settings, reporter),
        count=max(1, len(order.sources)),
        false_alarms_per_day=order.false_alarms_per_day,
        thumbnails_mb=settings.bank_thumbnails_mb,
        progress=reporter.progress,
    )
    save_bank(bank, order.staged)


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


def main() -> None:
    """Entry point of the process: one order on standard input, reports on standard output."""
    reports = os.dup(1)
    os.dup2(2, 1)  # libraries print to standard output too, and must not get between the reports
    order = LearningOrder.decode(sys.stdin.buffer.readline())
    stop_when_stdin_ends()
    settings = load_settings()
    logs.configure(settings.log_level, "enrolment")
    reporter = Reporter(reports)
    try:
        learn_to_file(order, settings, reporter)
    except PatchwatchError as error:
        reporter.end(LearningReport.from_error(error))
    except Exception as error:  # border: a defect fails the job
        log.exception("learning a bank for %s failed", order.camera_id)
        reporter.end(LearningReport.from_defect(error))
    else:
        reporter.end(LearningReport(kind=ReportKind.DONE, share=1.0))


if __name__ == "__main__":
    main()
