"""State of a camera's analysis, as the inference worker reports it, and why it leaves frames unscored."""

from __future__ import annotations

from enum import StrEnum

from patchwatch.contract.bounds import Count, Load, TimeMs
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.arming import ArmingState
from patchwatch.messages.banks.bank_context import ContextName
from patchwatch.messages.banks.threshold import AlarmThreshold
from patchwatch.messages.base import CameraId, Message, RedactedText


class AnalysisState(StrEnum):
    """State of a camera's analysis, as the inference worker sees it."""

    NO_BANK = "no_bank"  # frames are counted as dropped for this reason, never skipped silently
    BANK_REJECTED = "bank_rejected"  # truncated, or learnt with other weights or preprocessing
    LOADING = "loading"  # the profile's networks are being loaded
    WEIGHTS_MISSING = "weights_missing"
    SCORING = "scoring"


class OpenCondition(Message):
    """A condition that suppresses a camera's anomalies, and since when. Its alert is of the same kind."""

    kind: AlertKind
    since_ms: TimeMs
    detail: str  # for people


class CorrectionsInForce(Message):
    """How many corrections of operators count, and how many do not yet. ``why_waiting``: for people."""

    in_force: Count = 0
    waiting: Count = 0
    why_waiting: RedactedText = ""


class AnalysisStatus(Message):
    """Written by the inference worker when it changes."""

    camera_id: CameraId
    state: AnalysisState
    detail: RedactedText = ""
    profile: str
    streams: tuple[str, ...] = ()
    bank_id: str | None = None
    bank_created_at: str | None = None
    random_weights: bool = False
    contexts: tuple[ContextName, ...] = ()  # that the bank tells apart
    context: ContextName | None = None  # that the picture shows; None where it shows none for certain
    arming: ArmingState | None = None  # while it scores; None also in records of earlier versions
    armed_for: tuple[AnomalyKind, ...] = ()  # kinds of which the bank knows what is normal
    not_armed_for: tuple[AnomalyKind, ...] = ()  # the other kinds that its profile looks for
    threshold_on: float | None = None
    threshold_off: float | None = None
    threshold: AlarmThreshold | None = None  # for the camera's budget
    thresholds: tuple[AlarmThreshold, ...] = ()  # for others it could have
    device: str = "cpu"
    condition: OpenCondition | None = None  # absent in records of earlier versions
    overloaded: bool = False  # frames are dropped, lately, as this machine does not keep up
    corrections: CorrectionsInForce | None = None  # None where there are none that change scores
    corrections_fault: RedactedText | None = None  # why what operators said of its normal cannot be read
    frame_load: Load | None = None  # share of its worker's time that one frame a second takes; None: none was analysed
    camera_load: Load | None = None  # share of it that the camera takes beside its frames
    updated_at_ms: TimeMs


class DropReason(StrEnum):
    """Why a captured frame was not scored."""

    TOO_OLD = "too_old"
    QUEUE_FULL = "queue_full"  # newer frames pushed it out
    CORRUPT = "corrupt"
    NO_BANK = "no_bank"  # or an unusable one, or its networks are not ready: see `AnalysisStatus`
    NON_FINITE = "non_finite"
    FAILED = "failed"  # scoring raised an unforeseen error: see the log of the inference worker
    UNMASKED = "unmasked"  # taken before a privacy zone was drawn: nobody may see it any more
    UNPUBLISHED = "unpublished"  # Redis was away or refused it
