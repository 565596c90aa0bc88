"""The protocol between a job and the process that learns its bank: an order in, reports out, over pipes."""

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
from patchwatch.contract.redaction import one_line, redact
from patchwatch.messages.base import CameraId, Message
from patchwatch.messages.cameras.correction import MOST_IN_FORCE, MOST_SPANS, Span
from patchwatch.messages.cameras.zones.zone import MAX_ZONES, Zone

_LONGEST_TEXT = 300  # characters

_KNOWN: dict[str, type[PatchwatchError]] = {
    kind.code: kind
    for kind in (BankMismatchError, ConfigurationError, InsufficientFootageError, StorageError, WeightsMissingError)
}


class LearningOrder(Message):
    """Everything a learning process needs beside the settings in its environment. May hold credentials.

    ``sources``: ``file:`` addresses, which must lie in the media folders; from the command line paths and RTSP
    addresses. Empty for a live camera, whose frames are in the file that the process inherits as ``live_descriptor``,
    and where ``memory`` names the folder of what is remembered of the camera.
    ``staged``: the file to write the bank to. ``zones``: the camera's. ``rejected``: of
    its memory, what operators said is no part of normal. ``learnt``: of its memory, what is learnt although it alarmed.
    """

    camera_id: CameraId
    profile: str
    sources: tuple[str, ...] = Field((), repr=False)
    live_descriptor: int | None = None
    live_seconds: float | None = None
    memory: Path | None = None
    analysis_fps: float | None = None
    limit_s: float | None = None
    false_alarms_per_day: float
    zones: tuple[Zone, ...] = Field((), max_length=MAX_ZONES)
    rejected: tuple[Span, ...] = Field((), max_length=3 * MOST_IN_FORCE * MOST_SPANS)
    learnt: tuple[Span, ...] = Field((), max_length=MOST_IN_FORCE * MOST_SPANS)
    staged: Path


class ReportKind(StrEnum):
    """What a learning process reports."""

    PROGRESS = "progress"  # several times a second while footage arrives; also serves as a heartbeat
    DONE = "done"  # the bank is staged
    FAILED = "failed"


class LearningReport(Message):
    """One line on a learning process's standard output.

    ``reading``: the footage that the process waits for, empty while it computes.
    """

    kind: ReportKind
    share: float = 0.0
    what: str = ""
    reading: str = ""
    code: str = ""
    retryable: bool = False
    detail: str = ""

    @classmethod
    def from_error(cls, error: PatchwatchError) -> LearningReport:
        retryable = isinstance(error, RetryableError)
        return cls(kind=ReportKind.FAILED, code=error.code, retryable=retryable, detail=str(error))

    @classmethod
    def from_defect(cls, error: Exception) -> LearningReport:
        return cls(kind=ReportKind.FAILED, detail=defect_text(error))

    @property
    def error(self) -> PatchwatchError:
        """What the process failed with."""
        kind = _KNOWN.get(self.code) or (RetryableError if self.retryable else RejectedError)
        return kind(self.detail)


def defect_text(error: Exception) -> str:
    """A defect of ours in words for whoever asked for a bank, without secrets; the traceback is on standard error."""
    message = one_line(redact(str(error)), _LONGEST_TEXT)
    what = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return f"a defect of Patchwatch ({what}): please report it with this line"
