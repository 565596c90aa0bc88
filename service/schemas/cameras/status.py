"""The status of a camera: its health, its capture, its analysis, and the account of its frames."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field

from patchwatch.bus.accounting import Account
from patchwatch.contract.timestamps import Time
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.arming import ArmingState
from patchwatch.messages.banks.threshold import AlarmThreshold
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.cameras.camera import Tls
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus, Gap, Reason
from service.schemas.banks.bank import learnt_at
from service.schemas.banks.enrolment import EnrolmentNotice
from service.schemas.budget import BudgetView
from service.schemas.cameras.correction import CorrectionsView
from service.schemas.cameras.score import ScorePoint


class Health(StrEnum):
    """The health of a camera. ``ok``: fresh scores arrive. Every other word says why they do not, or cannot be
    relied on."""

    OK = "ok"
    DISABLED = "disabled"
    UNATTENDED = "unattended"  # no ingest worker or no inference worker is responsible for it
    CONNECTING = "connecting"
    STALLED = "stalled"
    OFFLINE = "offline"
    FAILED = "failed"
    ENDED = "ended"
    LOADING = "loading"
    NO_BANK = "no_bank"
    BANK_REJECTED = "bank_rejected"
    WEIGHTS_MISSING = "weights_missing"
    STALE = "stale"  # frames arrive, scores do not
    BLIND = "blind"  # scores arrive, but the picture could not show an anomaly


class FrameAccount(BaseModel):
    """captured = scored + dropped + in_queue + in_flight + unaccounted, and unaccounted is 0."""

    captured: int = Field(examples=[9000])
    scored: int = Field(examples=[8990])
    dropped: dict[str, int] = Field(description="Frames dropped, by reason.", examples=[{"too_old": 8}])
    in_queue: int = Field(examples=[2])
    in_flight: int = Field(description="Frames on the way to Redis, or waiting for room there.", examples=[0])
    unaccounted: int = Field(
        description="Captured frames of which nobody knows: always 0, unless Patchwatch has a defect.", examples=[0]
    )
    balanced: bool = Field(description="Whether every frame is accounted for.")
    since: Time | None = Field(
        description="When counting began: when the queue was created, or created again after Redis lost it."
    )
    lost: int = Field(
        description="Further captured frames that Redis lost, or whose record it lost (FLUSHALL, a restart).",
        examples=[0],
    )

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(
            captured=account.captured,
            scored=account.scored,
            dropped=account.dropped,
            in_queue=account.queued,
            in_flight=account.in_flight,
            unaccounted=account.unaccounted,
            balanced=account.unaccounted == 0,
            since=account.since_ms,
            lost=account.lost,
        )


class CaptureView(BaseModel):
    """How a camera's frames come in."""

    state: CaptureState
    reason: Reason | None
    detail: str
    since: Time
    updated: Time
    fps: float | None = Field(description="Frames per second that the camera delivers, measured.")
    analysis_fps: float | None = Field(
        description="Frames per second analysed at present: fewer than configured while the machine is overloaded."
    )
    configured_fps: float | None
    width: int | None
    height: int | None
    codec: str | None
    tls: Tls | None = Field(description="How the certificate of an `rtsps://` camera was verified; null: no TLS.")
    decode_errors: int
    reconnects: int

    @classmethod
    def from_status(cls, status: CaptureStatus) -> Self:
        fields = status.model_dump(include=set(cls.model_fields))
        return cls(**fields, since=status.since_ms, updated=status.updated_at_ms)


class AnalysisView(BaseModel):
    """How a camera's frames are scored, and against which bank and threshold."""

    state: AnalysisState
    detail: str
    profile: str
    streams: list[str]
    bank_id: str | None
    bank_created_at: str | None
    contexts: list[str] = Field(
        [],
        description="Contexts with a normal of their own, as `infrared` and `colour`.",
        examples=[["dark", "bright"]],
    )
    context: str | None = Field(
        None, description="The one that the picture shows; null: none for certain, and all of normal counts."
    )
    threshold_on: float | None
    threshold_off: float | None
    threshold: AlarmThreshold | None = Field(description="The threshold for the camera's alarm budget.")
    device: str
    corrections: CorrectionsView | None = Field(description="Of its normal, by operators; null: none changes scores.")
    updated: Time

    @classmethod
    def from_status(cls, status: AnalysisStatus) -> Self:
        fields = status.model_dump(include=set(cls.model_fields) - {"corrections"})
        fields["corrections"] = CorrectionsView.from_status(status.corrections)
        if status.bank_created_at is not None:
            fields["bank_created_at"] = learnt_at(status.bank_created_at)
        return cls(**fields, updated=status.updated_at_ms)


class ArmingView(BaseModel):
    """How far a camera's normal is known. `learning`: it has no bank yet and learns one by itself. `provisional`:
    little is known yet for its alarm budget, so it alerts at a lower level, and its alerts say so. `armed`: the budget
    holds."""

    state: ArmingState | None = Field(description="Null: it is not scored, and does not learn by itself.")
    text: str = Field(description="The same in words.", examples=["armed"])
    by_itself: bool = Field(
        description="Whether it learns by itself: `self_arm` of the camera, or of the installation."
    )
    armed_for: list[AnomalyKind] = Field(description="Kinds of anomaly for which enough is known.")
    not_armed_for: list[AnomalyKind] = Field(description="The other kinds that its profile looks for.")
    remembered_s: float = Field(description="Seconds that are remembered and can be learnt from.", examples=[41.5])
    first_bank_s: float = Field(description="Seconds that the first bank takes.", examples=[60.0])
    chosen_bank: str | None = Field(description="The active bank, if an operator activated it: it stays.")
    next_step: str = Field(description="When it learns again by itself.", examples=["it learns again every week"])
    page_only: bool = Field(
        description="Whether anomalies that begin now are shown on the page and nobody is notified of them, because so "
        "many false alarms are expected for now."
    )


class GapView(BaseModel):
    """A past interval without frames."""

    from_: Time = Field(serialization_alias="from")
    to: Time

    @classmethod
    def from_gap(cls, gap: Gap) -> Self:
        return cls(from_=gap.from_ms, to=gap.to_ms)


class ConfirmedShare(BaseModel):
    """Of the alerts that operators called `normal` or `anomaly`, the share of the latter. Only alerts that are still
    kept count."""

    share: float = Field(examples=[0.75])
    low: float = Field(description="The share is known to be between `low` and `high`, to 90 %.", examples=[0.5])
    high: float = Field(examples=[0.9])
    confirmed: int = Field(description="Alerts with the verdict `anomaly`.", examples=[9])
    judged: int = Field(description="Alerts with the verdict `normal` or `anomaly`.", examples=[12])


class CameraStatus(BaseModel):
    """``health`` is ``ok`` only while fresh scores arrive; ``reason`` says what is wrong and how to correct it."""

    camera_id: str = Field(examples=["gate"])
    health: Health
    reason: str = Field(examples=[""])
    random_weights: bool = Field(description="Whether scores come from random weights, which are for tests only.")
    last_score: ScorePoint | None
    score_age_s: float | None = Field(description="Seconds since the last score.", examples=[0.3])
    lag_s: float | None = Field(
        description="Seconds from capture to score, of the last frame that was scored.", examples=[0.12]
    )
    last_frame: Time | None
    last_gap: GapView | None
    frames: FrameAccount
    capture: CaptureView | None
    analysis: AnalysisView | None
    arming: ArmingView
    budget: BudgetView = Field(description="How many false alarms a day are accepted of it, and why so many.")
    enrolment: EnrolmentNotice | None = Field(description="The latest enrolment: its progress, or how it ended.")
    alerts_confirmed_share: ConfirmedShare | None = Field(
        description="How many of the alerts that operators judged were right; null while none was."
    )
    ingest_worker: str | None = Field(
        description="The worker that captures the camera now (its id begins with HOST-PID); null: none.",
        examples=["nvr1-1234-94f1805c-1273831-699d89"],
    )
    inference_worker: str | None = Field(
        description="The worker that scores the camera now.", examples=["nvr2-77-0b7c2f11-88120-a1b2c3"]
    )


class StatusList(BaseModel):
    """The status of every camera."""

    statuses: list[CameraStatus]


class ThresholdList(BaseModel):
    """The thresholds of one camera for different alarm budgets. Both fields are empty while it has no bank."""

    camera_id: str = Field(examples=["gate"])
    threshold: AlarmThreshold | None = Field(description="The threshold for its present budget.")
    thresholds: list[AlarmThreshold] = Field(
        description="Thresholds for other budgets, from the most false alarms a day to the fewest."
    )
