"""The messages between the supervisor and a capture process: one order in, reports out, over pipes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.base import CameraId, Message
from patchwatch.messages.cameras.camera import Camera, Pace, Transport
from patchwatch.messages.cameras.capture_status import Reason
from patchwatch.messages.cameras.source import Source, SourceKind
from patchwatch.messages.cameras.zones.polygon import Polygon
from workers.media.container import VideoOptions
from workers.rtsp_client.tls import TlsOptions

if TYPE_CHECKING:  # A capture process needs no settings, and starts a quarter of a second sooner without them.
    from patchwatch.contract.settings import Settings


class CaptureOrder(Message):
    """Everything a capture process needs. Contains credentials, so it is sent over standard input only."""

    camera_id: CameraId
    kind: SourceKind
    url: str
    media_dirs: tuple[Path, ...] = ()  # A file must be in one of these folders.
    pace: Pace = Pace.REALTIME
    loop: bool = False
    transport: Transport = Transport.TCP
    analysis_fps: float
    overload_fps: float = 2.5
    max_age_s: float = 5.0
    max_side_px: int
    max_picture_px: int
    jpeg_quality: int
    timeout_s: float
    allow_link_local: bool = False
    tls_verify: bool = True
    tls_fingerprint: str | None = None
    ca_file: Path | None = None
    memory_mb: int = 1536
    redis_url: str
    partitions: int
    queue_frames: int
    privacy: tuple[Polygon, ...] = ()  # Blacked out before anything leaves the process.
    lease: str  # Frames are written only while the camera's capture lease has this value.
    after_seq: int = 0
    trace_url: str | None = None  # None: nothing is traced
    trace_one_in: int = 100

    @property
    def live(self) -> bool:
        """Whether the source delivers at its own pace."""
        return self.kind is not SourceKind.FILE

    @property
    def lossless(self) -> bool:
        return self.kind is SourceKind.FILE and self.pace is Pace.FAST

    def file(self) -> Path | None:
        """The file of a ``file:`` source, resolved. May block on a network share.

        Raises `SourceRejectedError` when it lies outside the media folders.
        """
        return Source.parse(self.url).within(self.media_dirs) if self.kind is SourceKind.FILE else None

    @property
    def video_options(self) -> VideoOptions:
        return VideoOptions(
            analysis_fps=self.analysis_fps, max_side_px=self.max_side_px, max_picture_px=self.max_picture_px,
            timeout_s=self.timeout_s, transport=self.transport.value, live=self.live,
            published=self.kind is SourceKind.PUSH, allow_link_local=self.allow_link_local,
            hidden=self.privacy, tls=TlsOptions(self.tls_verify, self.tls_fingerprint, self.ca_file),
        )  # fmt: skip

    @property
    def patience_s(self) -> float:
        """How long a frame may wait for its analysis before it is dropped as too old, or pushed out of the queue."""
        return min(self.max_age_s, self.queue_frames / self.analysis_fps)

    @classmethod
    def from_camera(
        cls, camera: Camera, settings: Settings, *, lease: bytes, playback_url: str = "", after_seq: int = 0
    ) -> CaptureOrder:
        """Does not access the file: the supervisor must not block on a network share."""
        source = Source.parse(camera.source)
        return cls(
            camera_id=camera.id, kind=source.kind, url=playback_url or source.url,
            media_dirs=settings.allowed_media_dirs, pace=camera.pace,
            loop=camera.loop, transport=camera.transport, analysis_fps=camera.analysis_fps or settings.analysis_fps,
            overload_fps=settings.overload_fps, max_age_s=settings.max_age_s,
            max_side_px=settings.max_side_px, max_picture_px=settings.max_picture_px,
            jpeg_quality=settings.jpeg_quality, timeout_s=settings.source_timeout_s,
            allow_link_local=settings.allow_link_local_sources, tls_verify=camera.tls_verify,
            tls_fingerprint=camera.tls_fingerprint, ca_file=settings.source_ca_file,
            memory_mb=settings.capture_memory_mb,
            redis_url=settings.shared_redis_url, partitions=settings.partitions,
            queue_frames=settings.queue_frames, privacy=camera.privacy, lease=lease.decode(), after_seq=after_seq,
            trace_url=settings.trace_url, trace_one_in=settings.trace_one_in,
        )  # fmt: skip


class ReportKind(StrEnum):
    """What a capture process reports."""

    OPENED = "opened"
    PROGRESS = "progress"  # About twice a second while data arrives; also the heartbeat.
    ENDED = "ended"  # A file was read to its end, or a live source closed the connection.
    FAILED = "failed"  # Worth retrying.
    REJECTED = "rejected"  # Retrying cannot help until the configuration changes.
    LEASE_LOST = "lease_lost"  # Another worker captures the camera now.


class CaptureReport(Message):
    """One line on a capture process's standard output. ``decode_errors`` counts since the process started; ``seq`` and
    ``unpublished`` are the camera's, 0 until Redis has answered."""

    kind: ReportKind
    seq: Count = 0
    unpublished: Count = 0
    decode_errors: Count = 0
    last_frame_at_ms: TimeMs | None = None
    last_frame_monotonic_ms: Count | None = None  # The same on this host's monotonic clock.
    width: Count = 0
    height: Count = 0
    codec: str = ""
    analysis_fps: float | None = None  # The rate at present.
    waits_for_key: bool = False  # Data arrives, but nothing can be decoded before the next key frame.
    reason: Reason | None = None
    detail: str = ""
