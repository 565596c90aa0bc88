"""State of a camera's capture, as the ingest worker reports it."""

from __future__ import annotations

from enum import StrEnum

from patchwatch.contract.bounds import Count, Load, TimeMs
from patchwatch.messages.base import CameraId, Message, RedactedText
from patchwatch.messages.cameras.camera import Tls


class CaptureState(StrEnum):
    """State of a camera's capture, as the ingest worker sees it."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"  # connected, but no frame for a while
    OFFLINE = "offline"  # not available; retried automatically
    FAILED = "failed"  # not retried until its configuration changes
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
    PRIVACY = "privacy"  # its privacy zones cannot be blacked out, so no frame is taken
    BUS = "bus"


class Gap(Message):
    """A period without frames that is over."""

    from_ms: TimeMs
    to_ms: TimeMs


class CaptureStatus(Message):
    """Written by the ingest worker about once a second and at each change."""

    camera_id: CameraId
    camera_revision: Count = 0  # revision of the camera's configuration that this status is about
    camera_incarnation: str | None = None  # None: written by an earlier version
    state: CaptureState
    reason: Reason | None = None
    detail: RedactedText = ""
    since_ms: TimeMs
    updated_at_ms: TimeMs
    last_frame_at_ms: TimeMs | None = None
    fps: float | None = None  # measured, frames published per second
    analysis_fps: float | None = None  # current sampling rate: less than configured under overload
    configured_fps: float | None = None
    width: int | None = None
    height: int | None = None
    codec: str | None = None
    tls: Tls | None = None
    captured: Count = 0  # frames sampled since the camera was added, over restarts
    unpublished: Count = 0  # frames of these that never reached Redis, since `FrameGaps.since_ms`
    decode_errors: Count = 0
    reconnects: Count = 0
    load: Load | None = None  # share of its ingest worker's cores that it takes; the last known where it rests
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
