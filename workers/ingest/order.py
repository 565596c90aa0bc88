"""What passes between the supervisor and a capture process: one order in, reports out. Over pipes, never argv."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from patchwatch.messages.base import CameraId, Message
from patchwatch.messages.camera import Camera, Pace, Transport
from patchwatch.messages.source import Source, SourceKind
from patchwatch.messages.status import Reason
from workers.ingest.video import VideoOptions

if TYPE_CHECKING:  # a capture process needs no settings, and starts a quarter of a second sooner without
    from patchwatch.settings import Settings


class CaptureOrder(Message):
    """Everything a capture process needs. Holds credentials: goes through its standard input only."""

    camera_id: CameraId
    kind: SourceKind
    url: str
    path: Path | None = None
    pace: Pace = Pace.REALTIME
    loop: bool = False
    transport: Transport = Transport.TCP
    analysis_fps: float
    max_side_px: int
    max_picture_px: int
    jpeg_quality: int
    timeout_s: float
    redis_url: str
    partitions: int
    queue_frames: int
    after_seq: int = 0

    @property
    def live(self) -> bool:
        """Whether the source delivers when it wants."""
        return self.kind is not SourceKind.FILE

    @property
    def lossless(self) -> bool:
        return self.kind is SourceKind.FILE and self.pace is Pace.FAST

    @property
    def video_options(self) -> VideoOptions:
        return VideoOptions(
            analysis_fps=self.analysis_fps, max_side_px=self.max_side_px, max_picture_px=self.max_picture_px,
            timeout_s=self.timeout_s, transport=self.transport.value, live=self.live,
            listen=self.kind is SourceKind.PUSH,
        )  # fmt: skip

    @classmethod
    def of(cls, camera: Camera, settings: Settings, *, listen_url: str = "", after_seq: int = 0) -> CaptureOrder:
        """Raises `SourceRejectedError` when the camera's file lies outside the media folders."""
        source = Source.parse(camera.source)
        path = source.within(settings.allowed_media_dirs) if source.kind is SourceKind.FILE else None
        assert settings.redis_url is not None, "the ingest worker checked it"
        return cls(
            camera_id=camera.id, kind=source.kind, url=listen_url or source.url, path=path, pace=camera.pace,
            loop=camera.loop, transport=camera.transport, analysis_fps=camera.analysis_fps or settings.analysis_fps,
            max_side_px=settings.max_side_px, max_picture_px=settings.max_picture_px,
            jpeg_quality=settings.jpeg_quality, timeout_s=settings.source_timeout_s,
            redis_url=settings.redis_url.get_secret_value(), partitions=settings.partitions,
            queue_frames=settings.queue_frames, after_seq=after_seq,
        )  # fmt: skip


class ReportKind(StrEnum):
    OPENED = "opened"
    PROGRESS = "progress"  # about twice a second while data arrives; also the beat
    ENDED = "ended"  # a file was read to its end, or a live source closed without a word
    FAILED = "failed"  # worth another try
    REJECTED = "rejected"  # wrong until the configuration changes


class CaptureReport(Message):
    """One line on a capture process's standard output. Counts are since that process began, ``seq`` is absolute."""

    kind: ReportKind
    seq: int = 0
    unpublished: int = 0
    decode_errors: int = 0
    last_frame_at_ms: int | None = None
    width: int = 0
    height: int = 0
    codec: str = ""
    reason: Reason | None = None
    detail: str = ""
