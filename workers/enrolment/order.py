"""What passes between whoever has a bank learnt and the process that learns it: an order in, reports out, by pipes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from patchwatch.contract.errors import (
    BankMismatchError,
    ConfigurationError,
    InsufficientFootageError,
    PatchwatchError,
    RejectedError,
    RetryableError,
    StorageError,
    WeightsMissingError,
)
from patchwatch.messages.base import CameraId, Message

_KNOWN: dict[str, type[PatchwatchError]] = {
    kind.code: kind
    for kind in (BankMismatchError, ConfigurationError, InsufficientFootageError, StorageError, WeightsMissingError)
}


class LearningOrder(Message):
    """Everything a learning process needs beside the settings in its environment. May hold credentials.

    ``sources``: ``file:`` addresses, which must lie in the media folders; from the command line paths and RTSP
    addresses. Empty for a live camera, whose frames are in the file that the process inherits as ``live_descriptor``.
    ``staged``: where the bank is to be written.
    """

    camera_id: CameraId
    profile: str
    sources: tuple[str, ...] = Field((), repr=False)
    live_descriptor: int | None = None
    live_seconds: float | None = None
    analysis_fps: float | None = None
    limit_s: float | None = None
    false_alarms_per_day: float
    staged: Path


class ReportKind(StrEnum):
    PROGRESS = "progress"  # several times a second while footage arrives; also the beat
    DONE = "done"  # the bank is staged
    FAILED = "failed"


class LearningReport(Message):
    """One line on a learning process's standard output. ``reading``: what it waits for now, empty while it computes."""

    kind: ReportKind
    share: float = 0.0
    what: str = ""
    reading: str = ""
    code: str = ""
    retryable: bool = False
    detail: str = ""

    @classmethod
    def of_error(cls, error: PatchwatchError) -> LearningReport:
        retryable = isinstance(error, RetryableError)
        return cls(kind=ReportKind.FAILED, code=error.code, retryable=retryable, detail=str(error))

    @property
    def error(self) -> PatchwatchError:
        """What the process failed with."""
        kind = _KNOWN.get(self.code) or (RetryableError if self.retryable else RejectedError)
        return kind(self.detail)
