"""Reports of a learning process, on a pipe to the job that started it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from workers.enrolment.learning.protocol import LearningReport, ReportKind

_REPORT_EVERY_S = 0.25


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
