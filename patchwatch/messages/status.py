"""What each worker says of a camera. Each record has one writer."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.alert import AlertKind
from patchwatch.messages.base import CameraId, Message, Words
from patchwatch.messages.camera import Tls
from patchwatch.messages.enrolment_report import EnrolmentReport
from patchwatch.messages.threshold import AlarmThreshold


class CaptureState(StrEnum):
    """State of a camera's capture, as the ingest worker sees it."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"  # connected, but no frame for a while
    OFFLINE = "offline"  # not there now; tried again by itself
    FAILED = "failed"  # will not be tried again until its configuration changes
    ENDED = "ended"  # a file that was read to its end
    DISABLED = "disabled"


class Reason(StrEnum):
    """Why a camera is not live. The text beside it says more."""

    AUTH = "auth"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    NO_PUBLISHER = "no_publisher"
    NO_VIDEO = "no_video"
    CODEC = "codec"
    CORRUPT = "corrupt"
    PICTURE_SIZE = "picture_size"
    FORBIDDEN_PATH = "forbidden_path"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNSUPPORTED_SCHEME = "unsupported_scheme"
    BAD_URL = "bad_url"
    TLS = "tls"  # the camera's certificate is not trusted
    CRASHED = "crashed"
    MEMORY = "memory"
    BUS = "bus"


class Gap(Message):
    """The latest time without frames, once it is over."""

    from_ms: TimeMs
    to_ms: TimeMs


class CaptureStatus(Message):
    """Written by the ingest worker about once a second and at each change."""

    camera_id: CameraId
    camera_revision: Count = 0  # of the configuration that this is about
    camera_incarnation: str | None = None  # None: unknown to the version that wrote it
    state: CaptureState
    reason: Reason | None = None
    detail: Words = ""
    since_ms: TimeMs
    updated_at_ms: TimeMs
    last_frame_at_ms: TimeMs | None = None
    fps: float | None = None  # measured, frames published per second
    analysis_fps: float | None = None  # frames sampled per second at present: less than configured under overload
    configured_fps: float | None = None
    width: int | None = None
    height: int | None = None
    codec: str | None = None
    tls: Tls | None = None
    captured: Count = 0  # all frames sampled, over restarts
    unpublished: Count = 0  # of these, never in Redis; counted since its books began
    decode_errors: Count = 0
    reconnects: Count = 0
    last_gap: Gap | None = None

    @property
    def overloaded(self) -> bool:
        """Whether fewer frames are analysed than configured, because the analysis could not keep up."""
        return (
            self.state is CaptureState.LIVE
            and self.analysis_fps is not None
            and self.configured_fps is not None
            and self.analysis_fps < self.configured_fps
        )


class AnalysisState(StrEnum):
    """State of a camera's analysis, as the inference worker sees it."""

    NO_BANK = "no_bank"  # never silently off: frames are counted as dropped for that reason
    BANK_REJECTED = "bank_rejected"  # truncated, or learnt with other weights or preprocessing
    LOADING = "loading"  # the profile's networks are being loaded
    WEIGHTS_MISSING = "weights_missing"
    SCORING = "scoring"


class OpenCondition(Message):
    """What keeps anomalies of a camera from being told, and since when. Its alert is of the same kind."""

    kind: AlertKind
    since_ms: TimeMs
    detail: str  # for people


class AnalysisStatus(Message):
    """Written by the inference worker when it changes."""

    camera_id: CameraId
    state: AnalysisState
    detail: Words = ""
    profile: str
    streams: tuple[str, ...] = ()
    bank_id: str | None = None
    bank_created_at: str | None = None
    random_weights: bool = False
    threshold_on: float | None = None
    threshold_off: float | None = None
    threshold: AlarmThreshold | None = None  # for the camera's budget
    thresholds: tuple[AlarmThreshold, ...] = ()  # for others it could have
    device: str = "cpu"
    condition: OpenCondition | None = None  # unknown to earlier versions
    updated_at_ms: TimeMs


class DropReason(StrEnum):
    """Why a captured frame was not scored."""

    TOO_OLD = "too_old"
    QUEUE_FULL = "queue_full"  # newer frames pushed it out
    CORRUPT = "corrupt"
    NO_BANK = "no_bank"  # or no usable one, or its networks are not ready: `AnalysisStatus` says which
    NON_FINITE = "non_finite"
    FAILED = "failed"  # scoring it raised what nobody foresaw: the inference worker's log says what
    UNPUBLISHED = "unpublished"  # Redis was away or refused it


class EnrolmentState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def pending(self) -> bool:
        """Whether there is still something to be done, or to be cancelled."""
        return self in (EnrolmentState.QUEUED, EnrolmentState.RUNNING)


class Enrolment(Message):
    """Learning a bank from normal footage, as asked for over the API.

    ``sources`` are ``file:`` addresses; with ``live_seconds`` the camera's own live frames are learnt from instead.
    ``activate``: use the new bank even if it is worse than the present one. ``storing``: learnt, and past cancelling.
    ``outcome``: what became of the new bank, in one sentence for people.
    """

    id: str
    camera_id: CameraId
    profile: str
    sources: tuple[str, ...] = ()
    live_seconds: float | None = Field(None, gt=0, le=86_400)
    analysis_fps: float | None = Field(None, gt=0, le=120)
    false_alarms_per_day: float | None = Field(None, ge=0.001, le=1000)  # None: the installation's
    activate: bool = False
    state: EnrolmentState = EnrolmentState.QUEUED
    attempts: Count = 0  # times that a worker began it
    storing: bool = False
    progress: float = Field(0.0, ge=0, le=1)
    detail: Words = ""
    bank_id: str | None = None
    activated: bool | None = None  # once it is done
    outcome: str = ""
    threshold: AlarmThreshold | None = None  # once it is done
    report: EnrolmentReport | None = None  # once it is done
    created_at_ms: TimeMs
    updated_at_ms: TimeMs


class WorkerBeat(Message):
    """Expiring record of a living worker process."""

    role: str  # of `patchwatch.contract.roles.Role`
    host: str
    pid: int
    started_at_ms: TimeMs
    updated_at_ms: TimeMs
    device: str = "cpu"
    cameras: Count = 0
    failed_graphs: Count = 0  # batch sizes that could not be recorded as CUDA graphs
    eager_pictures: Count = 0  # that ran without one where there should have been one
