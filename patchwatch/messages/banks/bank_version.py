"""Versions of a camera's banks: what each was learnt from, which one is active, and orders to change that."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.banks.arming import MemoryExtent
from patchwatch.messages.banks.enrolment_report import EnrolmentReport, Sufficiency
from patchwatch.messages.base import CameraId, Message

BANK_ID_PATTERN = r"^[0-9a-f]{12}$"
ORDER_WITHIN_S = 5.0  # an order that no worker has started by then is dropped
LESS_FOOTAGE = 0.5  # a bank from less than this share of the present bank's footage is worse
_RANK = {Sufficiency.TOO_SHORT: 0, Sufficiency.STILL_LEARNING: 1, Sufficiency.COMPLETE: 2}


class BankOrigin(Message):
    """Who asked for a bank, and how. ``by`` is for people: a command and its user, or an enrolment of the API.

    ``by_itself``: nobody asked, the camera armed itself. ``memory``: how much was remembered of it, where it was learnt
    from that.
    """

    by: str = Field(max_length=200)
    enrolment_id: str | None = None
    live_seconds: float | None = None
    by_itself: bool = False
    memory: MemoryExtent | None = None
    software: str = Field("", max_length=100)


class BankVersion(Message):
    """One bank on disk. Its ``id`` is the bank's own, which scores and alerts name too."""

    id: str = Field(pattern=BANK_ID_PATTERN)
    camera_id: CameraId
    profile: str
    format: int
    usable: bool = True  # False: of a format that this version of Patchwatch cannot read
    created_at: str  # when it was learnt: ISO 8601, UTC
    stored_at_ms: TimeMs
    origin: BankOrigin
    sources: tuple[str, ...] = ()
    seconds: float = 0.0
    frames: Count = 0
    size_bytes: Count = 0
    report: EnrolmentReport | None = None
    random_weights: bool = False
    pinned: bool = False
    chosen: bool = False  # an operator activated it: while it is active, the camera activates no bank by itself

    @property
    def verdict(self) -> Sufficiency | None:
        return self.report.verdict if self.report else None

    @property
    def in_words(self) -> str:
        """Its footage and how complete it is."""
        known = "" if self.verdict is None else f", {self.verdict.replace('_', ' ')}"
        split = self.report.contexts if self.report else None
        apart = f", {' and '.join(context.name for context in split.contexts)} apart" if split else ""
        return f"{self.seconds:.0f} s of footage{known}{apart}"

    def worse_than(self, present: BankVersion) -> str:
        """Why this bank should not replace the present one unless a user wants it; empty when it may.

        A bank that the camera learnt by itself never replaces one that an operator activated, and replaces one that an
        operator ordered only when it was learnt from more footage. Verdicts are not compared when the camera learnt
        both by itself: the newer one has seen more of the same memory, and more footage makes a verdict stricter.
        """
        if refusal := self._refused_by_operator(present):
            return refusal
        if self.report is None or present.report is None:
            return ""
        seeing = {stream.name for stream in present.report.streams if stream.spoke > 0}
        blind = [stream.name for stream in self.report.silent if stream.name in seeing]
        if blind:
            return f"in the new footage nothing was found by {', '.join(blind)}, which sees with the present bank"
        if not (self.origin.by_itself and present.origin.by_itself) and _rank(self.report) < _rank(present.report):
            return f"the new one knows normal less well ({self.in_words}) than the present one ({present.in_words})"
        if self.seconds < LESS_FOOTAGE * present.seconds:
            return (
                f"the new one was learnt from {self.seconds:.0f} s of footage, the present one from "
                f"{present.seconds:.0f} s"
            )
        return ""

    def _refused_by_operator(self, present: BankVersion) -> str:
        if not self.origin.by_itself:
            return ""
        if present.chosen:
            return "an operator activated that one"
        if not present.origin.by_itself and self.seconds <= present.seconds:
            return (
                f"that was learnt from {present.seconds:.0f} s of footage, and only {self.seconds:.0f} s are remembered"
            )
        return ""


def _rank(report: EnrolmentReport) -> int:
    return _RANK.get(report.verdict, 0)


class CameraBanks(Message):
    """All banks of one camera, newest first. ``active``: by profile, the id of the bank that scores with it."""

    camera_id: CameraId
    versions: tuple[BankVersion, ...] = ()
    active: dict[str, str] = Field(default_factory=dict)


class BankAction(StrEnum):
    """What can be ordered to be done with a bank."""

    ACTIVATE = "activate"
    PIN = "pin"
    UNPIN = "unpin"
    REMOVE = "remove"
    SHADOW = "shadow"  # changes nothing: asks whether it can be scored beside the active bank


class BankOrder(Message):
    """An order about a bank that came over the API; an enrolment worker carries it out and answers under the token."""

    token: str
    camera_id: CameraId
    bank_id: str = Field(pattern=BANK_ID_PATTERN)
    action: BankAction
    asked_at_ms: TimeMs


class BankAnswer(Message):
    """How an order ended. ``code``: of the error it ended with; empty when it was carried out."""

    code: str = ""
    detail: str = ""
    banks: CameraBanks | None = None
