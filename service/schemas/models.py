"""What the API takes and gives, with examples for the OpenAPI document.

Rules of a camera live in `patchwatch.messages.camera`: a body is checked by building one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from patchwatch.bus.accounting import Account
from patchwatch.contract.timestamps import Time
from patchwatch.messages.alert import AlertView, RegionView
from patchwatch.messages.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.camera import Pace, Tls, Transport
from patchwatch.messages.capture_status import CaptureState, CaptureStatus, Gap, Reason
from patchwatch.messages.score import Score
from patchwatch.messages.threshold import AlarmThreshold
from service.health import Health
from service.schemas.enrolment import EnrolmentNotice
from service.schemas.request_body import Address, NewId, RequestBody, ShortText


class CameraChange(RequestBody):
    """Fields to change; the others stay. A masked secret (``***``) means: keep it as it is."""

    name: ShortText | None = Field(None, examples=["Back gate"])
    source: Address | None = Field(
        None,
        description="`rtsp://USER:PASSWORD@HOST/PATH`, `rtsps://...`, `file:/PATH` (as it is written) inside the media "
        "folders, or `push:` (the camera publishes to our RTSP endpoint). Credentials are stored, never shown again.",
        examples=["rtsp://camera.example/stream1"],
    )
    profile: ShortText | None = Field(
        None,
        description="Name of a profile. A name that the inference worker does not know shows in the camera's status.",
        examples=["motion"],
    )
    enabled: bool | None = None
    analysis_fps: float | None = Field(None, description="Frames analysed per second; null: the installation's.")
    pace: Pace | None = Field(None, description="Of a file: as a camera would deliver it, or losslessly fast.")
    loop: bool | None = Field(None, description="Begin a file again at its end.")
    transport: Transport | None = None
    false_alarms_per_day: float | None = Field(
        None,
        description="Expected false alarms accepted, which sets the alert threshold at once; null: the installation's.",
        examples=[4.0],
    )
    tls_verify: bool | None = Field(
        None,
        description="Of an `rtsps://` source: false takes any certificate, so whoever answers gets the password.",
    )
    tls_fingerprint: ShortText | None = Field(
        None, description="SHA-256 of the certificate an `rtsps://` camera must show, instead of a trusted one."
    )
    publish_username: ShortText | None = Field(None, description="Asked of whoever publishes to this camera.")
    publish_password: Annotated[SecretStr, Field(max_length=200)] | None = None

    def fields(self) -> dict[str, Any]:
        """What was given."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewCamera(CameraChange):
    """A camera to watch. All but the id have defaults."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "gate", "name": "Back gate", "source": "rtsp://camera.example/stream1"}]
        },
    )

    id: NewId = Field(examples=["gate"])


class CameraView(BaseModel):
    """A camera without its secrets."""

    id: str = Field(examples=["gate"])
    name: str = Field(examples=["Back gate"])
    source: str = Field(examples=["rtsp://***@camera.example/stream1"])
    profile: str = Field(examples=["motion"])
    enabled: bool
    analysis_fps: float | None
    pace: Pace
    loop: bool
    transport: Transport
    false_alarms_per_day: float | None
    tls_verify: bool
    tls_fingerprint: str | None
    publish_username: str | None
    publish_password: Literal["***"] | None
    revision: int


class CameraList(BaseModel):
    cameras: list[CameraView]


class StreamReadingView(BaseModel):
    name: str = Field(examples=["motion"])
    rarity: float | None = Field(description="Calibrated distance; null: the stream has nothing to say.")


class ScorePoint(BaseModel):
    """One scored frame."""

    t: Time
    score: float = Field(ge=0, le=1, description="Calibrated and causally smoothed.", examples=[0.12])
    raw: float = Field(description="Fused, before smoothing.", examples=[0.09])
    seq: int = Field(examples=[4711])
    streams: list[StreamReadingView]
    driver: str | None = Field(description="The stream that contributed most.", examples=["motion"])
    region: RegionView | None = Field(description="Where that stream looked.")
    random_weights: bool

    @classmethod
    def of(cls, score: Score) -> ScorePoint:
        region = score.region
        return cls(
            t=score.captured_at_ns // 1_000_000,
            score=score.score,
            raw=score.raw,
            seq=score.seq,
            streams=[StreamReadingView(name=one.name, rarity=one.rarity) for one in score.streams],
            driver=score.driver,
            region=RegionView(x1=region.x1, y1=region.y1, x2=region.x2, y2=region.y2) if region else None,
            random_weights=score.random_weights,
        )


class ScoreBin(BaseModel):
    """The scores from ``t`` to the next bin."""

    t: Time
    mean: float = Field(examples=[0.08])
    peak: float = Field(examples=[0.21])
    count: int = Field(examples=[50])


class ScoreSeries(BaseModel):
    camera_id: str = Field(examples=["gate"])
    resolution: str = Field(description="`raw`, or the width of a bin in seconds.", examples=["raw"])
    threshold: float | None = Field(description="The score above which an alert opens.", examples=[0.62])
    points: list[ScorePoint] | list[ScoreBin]
    next: str | None = Field(description="Where to GET what follows; null at the end.")


class FrameAccount(BaseModel):
    """captured = scored + dropped + in_queue + in_flight + unaccounted, and unaccounted is 0."""

    captured: int = Field(examples=[9000])
    scored: int = Field(examples=[8990])
    dropped: dict[str, int] = Field(description="By reason.", examples=[{"too_old": 8}])
    in_queue: int = Field(examples=[2])
    in_flight: int = Field(description="On the way to Redis, or waiting for room there.", examples=[0])
    unaccounted: int = Field(description="Frames that are nowhere: other than 0 by a defect only.", examples=[0])
    balanced: bool = Field(description="Whether every frame is accounted for.")
    since: Time | None = Field(description="When the queue was made, or made anew in a Redis that had lost it.")
    lost: int = Field(
        description="Captured too, but Redis lost them or the record of them (FLUSHALL, a restart).", examples=[0]
    )

    @classmethod
    def of(cls, account: Account) -> Self:
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
    state: CaptureState
    reason: Reason | None
    detail: str
    since: Time
    updated: Time
    fps: float | None = Field(description="Frames a second that came in, measured.")
    analysis_fps: float | None = Field(
        description="Frames a second analysed at present: fewer than configured while the machine is overloaded."
    )
    configured_fps: float | None
    width: int | None
    height: int | None
    codec: str | None
    tls: Tls | None = Field(description="How an `rtsps://` camera's certificate was judged; null: no TLS.")
    decode_errors: int
    reconnects: int

    @classmethod
    def of(cls, status: CaptureStatus) -> CaptureView:
        fields = status.model_dump(include=set(cls.model_fields))
        return cls(**fields, since=status.since_ms, updated=status.updated_at_ms)


class AnalysisView(BaseModel):
    state: AnalysisState
    detail: str
    profile: str
    streams: list[str]
    bank_id: str | None
    bank_created_at: str | None
    threshold_on: float | None
    threshold_off: float | None
    threshold: AlarmThreshold | None = Field(description="What the camera's alarm budget means.")
    device: str
    updated: Time

    @classmethod
    def of(cls, status: AnalysisStatus) -> AnalysisView:
        return cls(**status.model_dump(include=set(cls.model_fields)), updated=status.updated_at_ms)


class GapView(BaseModel):
    """A time without frames that is over."""

    from_: Time = Field(serialization_alias="from")
    to: Time

    @classmethod
    def of(cls, gap: Gap) -> GapView:
        return cls(from_=gap.from_ms, to=gap.to_ms)


class CameraStatus(BaseModel):
    """``health`` is ``ok`` only while fresh scores come in; ``reason`` says what is wrong and how to mend it."""

    camera_id: str = Field(examples=["gate"])
    health: Health
    reason: str = Field(examples=[""])
    random_weights: bool = Field(description="Scores come from random weights: for tests, worth nothing.")
    last_score: ScorePoint | None
    score_age_s: float | None = Field(description="Since the last score.", examples=[0.3])
    lag_s: float | None = Field(description="From capture to score, of the last frame scored.", examples=[0.12])
    last_frame: Time | None
    last_gap: GapView | None
    frames: FrameAccount
    capture: CaptureView | None
    analysis: AnalysisView | None
    enrolment: EnrolmentNotice | None = Field(description="The latest enrolment: how far it is, or how it ended.")
    ingest_worker: str | None = Field(
        description="Worker that captures it now: HOST-PID-and more; null: none.",
        examples=["nvr1-1234-94f1805c-1273831-699d89"],
    )
    inference_worker: str | None = Field(
        description="Worker that scores it now.", examples=["nvr2-77-0b7c2f11-88120-a1b2c3"]
    )


class StatusList(BaseModel):
    statuses: list[CameraStatus]


class ThresholdList(BaseModel):
    """What alarm budgets mean for one camera; both are empty while it has no bank."""

    camera_id: str = Field(examples=["gate"])
    threshold: AlarmThreshold | None = Field(description="For the budget it has.")
    thresholds: list[AlarmThreshold] = Field(description="For budgets it could have, the most alarms first.")


class AlertList(BaseModel):
    """Newest first."""

    alerts: list[AlertView]
    next: str | None = Field(description="Where to GET older ones; null at the end.")


class WorkerView(BaseModel):
    role: str = Field(examples=["inference"])
    host: str
    pid: int
    device: str = Field(examples=["cpu"])
    cameras: int


class WebhookTrouble(BaseModel):
    id: str = Field(examples=["home"])
    health: str = Field(examples=["failing"])
    reason: str = Field(examples=["HTTP 503 (4 failed attempts in a row)"])


class Ready(BaseModel):
    """Webhooks that are not well are named; alerts are raised and kept all the same."""

    status: Literal["ready"] = "ready"
    workers: list[WorkerView] = Field([], description="With the token only, where one is set.")
    webhooks: list[WebhookTrouble] = Field(
        [], description="Those that are on, and do not deliver. With the token only."
    )


class Alive(BaseModel):
    status: Literal["alive"] = "alive"
    version: str
