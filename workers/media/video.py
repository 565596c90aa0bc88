"""Opens and decodes video, and yields sampled, scaled pictures. Nothing else decodes."""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import av
import av.error
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from patchwatch.contract.errors import PatchwatchError, SourceRejectedError, SourceUnavailableError
from patchwatch.contract.redaction import redact
from patchwatch.messages.capture_status import Reason
from patchwatch.messages.source import SourceKind
from workers.media.ffmpeg_errors import missing_references, translated
from workers.media.sampling import MediaClock, Sampler
from workers.media.tracks import video_track
from workers.rtsp_client.relay import Relay
from workers.rtsp_client.target import Target
from workers.rtsp_client.tls import TlsOptions

log = logging.getLogger(__name__)

MIN_SIDE_PX = 32  # Of the source and of the scaled picture: smaller ones show nothing.
_MICROSECONDS = 1_000_000
_PULLED = ("rtsp", "rtsps")
_MOST_REDIRECTS = 3
_KEY_FRAME_WITHIN_S = 10.0  # The longest wait after damage: some streams never send a key frame.
_LONGEST_S = 31 * 86_400.0  # A recording that claims to be longer has a wrong duration.
_CUT_OFF_S = 1.0  # A damaged file that ends so much before its duration is cut off.
# Only formats that contain their video are opened. Others list further files, URLs or devices, by which a file inside
# the media folder could reach outside it.
_FILE_FORMATS = (
    "asf,av1,avi,dv,flv,gif,gxf,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,vc1,vvc,"
    "wtv,yuv4mpegpipe"
)


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How to read a source. ``published``: it is read from our own RTSP server, over TCP.

    ``allow_link_local``: connect to addresses that `camera_addresses` refuses. ``tls``: for ``rtsps://`` sources.
    ``still``: the file is a single picture.
    """

    analysis_fps: float = 5.0
    max_side_px: int = 640
    max_picture_px: int = 7680 * 4320
    timeout_s: float = 10.0
    transport: str = "tcp"
    live: bool = False
    published: bool = False
    allow_link_local: bool = False
    still: bool = False
    tls: TlsOptions = field(default_factory=TlsOptions)

    @property
    def kind(self) -> SourceKind:
        if not self.live:
            return SourceKind.FILE
        return SourceKind.PUSH if self.published else SourceKind.PULL


@dataclass(frozen=True, slots=True)
class SampledFrame:
    """A picture to analyse: ``rgb`` uint8 (h, w, 3), its longer side at most ``max_side_px``, never enlarged.

    ``media_time_s``: seconds since the source's first picture. ``discontinuity``: not comparable with earlier pictures.
    """

    rgb: NDArray[np.uint8]
    media_time_s: float
    source_width: int
    source_height: int
    discontinuity: bool


class Video:
    """An open source. Not thread-safe; one decoding thread; close it (or use ``with``).

    ``codec`` is a name; ``width`` and ``height`` are the source's own (0 until known); ``duration_s`` is None when
    unknown or live; ``sampler`` selects the pictures to analyse; ``packets``, ``decoded`` and ``decode_errors`` count
    what arrived, what was decoded and what could not be. ``broken_off`` is empty unless a damaged file ended early,
    and then the message about it.
    """

    def __init__(self, container: InputContainer, name: str, options: VideoOptions, relay: Relay | None = None) -> None:
        self._container = container
        self._relay = relay
        self._name = name
        self._options = options
        self._stream = video_track(container, name)
        self._context = self._stream.codec_context
        self._context.thread_count = 1
        self._context.options = {"max_pixels": str(options.max_picture_px)}
        self.codec: str = self._context.name
        self.width: int = self._context.width
        self.height: int = self._context.height
        self.duration_s: float | None = None
        if not options.live and container.duration and 0 < container.duration / av.time_base <= _LONGEST_S:
            self.duration_s = container.duration / av.time_base
        self.sampler = Sampler(options.analysis_fps)
        self.packets = 0
        self.decoded = 0
        self.decode_errors = 0
        self.broken_off = ""
        self._skips_until_s: float | None = None
        self._damaged_pts: int | None = None
        self._was_corrupt = False
        if self.width and self.height:
            self._check_size(self.width, self.height)

    @classmethod
    def open(cls, source: str | Path, *, options: VideoOptions | None = None) -> Self:
        """Open a file (`Path`) or a URL that FFmpeg supports.

        Raises `SourceUnavailableError` (worth retrying) or `SourceRejectedError` (wrong until changed), each with a
        ``reason`` of `messages.capture_status.Reason` and without credentials.
        """
        options = options or VideoOptions()
        name = redact(str(source))
        container, relay = _opened(source, options)
        try:
            return cls(container, name, options, relay)
        except BaseException:
            _close(container, relay)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the decoder and the connection; the garbage collector would leak them."""
        _close(self._container, self._relay)

    def frames(self, on_packet: Callable[[], None] = lambda: None) -> Iterator[SampledFrame]:
        """Sampled pictures until the source ends; for a live source the end is a disconnect.

        ``on_packet`` is called for each packet that arrives, sampled or not. Damaged data is skipped and counted in
        ``decode_errors``. Raises as `open` does when the connection fails or the picture's size is out of bounds.
        """
        clock = MediaClock(self._interval_s(), self._options.live)
        broken = False
        last_s = 0.0
        for picture in self._pictures(on_packet):
            tick = clock.read(_pts_s(picture))
            if tick is None:
                continue
            last_s = tick.media_time_s
            broken |= tick.discontinuity | self._resized(picture)
            if self._undamaged(picture, tick.media_time_s) and self.sampler.takes(tick.media_time_s):
                yield self._sampled(picture, tick.media_time_s, broken)
                broken = False
        if self.decoded == 0 and not self._options.live:
            raise SourceRejectedError(
                f"{self._name} holds no picture that can be decoded ({self.codec}): check it with `ffprobe`",
                Reason.CORRUPT,
            )
        self._note_end(last_s)

    def _note_end(self, last_s: float) -> None:
        # Damage alone is not an early end, and a video track may be shorter than the file's audio.
        if self.duration_s and self.decode_errors and last_s < self.duration_s - _CUT_OFF_S:
            self.broken_off = (
                f"{self._name} breaks off after {last_s:.0f} of {self.duration_s:.0f} s: "
                "what came before was used; copy or record it again for the rest"
            )
            log.warning("%s", self.broken_off)

    def _pictures(self, on_packet: Callable[[], None]) -> Iterator[av.VideoFrame]:
        with translated(self._name, self._options.kind):
            packets = self._container.demux(self._stream)
            while True:
                try:
                    packet = next(packets, None)
                except av.error.InvalidDataError:  # The file breaks off, or the demuxer cannot go on.
                    self.decode_errors += 1
                    return
                if packet is None:
                    return
                self.packets += 1
                on_packet()
                yield from self._decoded(packet)

    def _decoded(self, packet: av.Packet) -> list[av.VideoFrame]:
        try:
            with missing_references(self.codec) as missing:
                pictures = [picture for picture in packet.decode() if isinstance(picture, av.VideoFrame)]
        except (av.error.InvalidDataError, av.error.PatchWelcomeError):
            self._count_damage(packet.pts)
            return []
        # FFmpeg marks a gap on one packet although it may be in the next: its parser is one packet late.
        if missing or packet.is_corrupt or self._was_corrupt:
            self._count_damage(packet.pts)
        self._was_corrupt = packet.is_corrupt
        self.decoded += len(pictures)
        return pictures

    def _count_damage(self, pts: int | None) -> None:
        self.decode_errors += 1
        self._damaged_pts = pts
        self._skips_until_s = float("inf")  # The next picture sets the time.

    def _undamaged(self, picture: av.VideoFrame, media_time_s: float) -> bool:
        """After damage, pictures are smeared until the next key frame and would look like anomalies."""
        if picture.is_corrupt:
            self._count_damage(picture.pts)
            return False
        if self._skips_until_s is None:
            return True
        self._skips_until_s = min(self._skips_until_s, media_time_s + _KEY_FRAME_WITHIN_S)
        if (picture.key_frame and not self._precedes_damage(picture)) or media_time_s >= self._skips_until_s:
            self._skips_until_s = None
            return True
        return False

    def _precedes_damage(self, picture: av.VideoFrame) -> bool:
        """Whether it is the damaged picture itself, or an earlier one that the decoder reordered and returned later."""
        return picture.pts is not None and self._damaged_pts is not None and picture.pts <= self._damaged_pts

    def _resized(self, picture: av.VideoFrame) -> bool:
        if (picture.width, picture.height) == (self.width, self.height):
            return False
        self._check_size(picture.width, picture.height)
        self.width, self.height = picture.width, picture.height
        return True

    def _check_size(self, width: int, height: int) -> None:
        limit = self._options.max_picture_px
        if width * height > limit:
            raise SourceRejectedError(
                f"{self._name}: pictures of {width}x{height} are larger than the {limit} pixels allowed: "
                "lower the camera's resolution or raise PATCHWATCH_MAX_PICTURE_PX",
                Reason.PICTURE_SIZE,
            )
        if min(_scaled(width, height, self._options.max_side_px)) < MIN_SIDE_PX:
            raise SourceRejectedError(
                f"{self._name}: pictures of {width}x{height} are too small to analyse: "
                f"each side needs {MIN_SIDE_PX} pixels once the longer is at most {self._options.max_side_px}",
                Reason.PICTURE_SIZE,
            )

    def _sampled(self, picture: av.VideoFrame, media_time_s: float, discontinuity: bool) -> SampledFrame:
        width, height = _scaled(picture.width, picture.height, self._options.max_side_px)
        small = picture.reformat(width=width, height=height, format="rgb24", interpolation="AREA", threads=1)
        rgb = np.rot90(small.to_ndarray(), picture.rotation // 90 % 4)
        source = (picture.width, picture.height) if picture.rotation % 180 == 0 else (picture.height, picture.width)
        return SampledFrame(np.ascontiguousarray(rgb), media_time_s, *source, discontinuity)

    def _interval_s(self) -> float:
        rate = self._stream.average_rate or self._stream.guessed_rate
        return 1 / float(rate) if rate and 0.1 <= rate <= 240 else 1 / 25


def _opened(source: str | Path, options: VideoOptions) -> tuple[InputContainer, Relay | None]:
    values = _ffmpeg_options(source, options)
    if isinstance(source, Path):
        _check_file(source)
    if isinstance(source, Path) or options.published or urlsplit(source).scheme not in _PULLED:
        return _open(source, values, options), None
    try:
        return _pulled(source, values, options)
    except SourceUnavailableError as error:
        if error.reason not in (Reason.DISCONNECTED, Reason.REFUSED):
            raise
    # A camera without video fails like this when only its video is requested. Requesting everything shows the reason.
    values.pop("allowed_media_types", None)
    return _pulled(source, values, options)


def _check_file(path: Path) -> None:
    """Opening a pipe or a device could block for ever. Raises `SourceRejectedError`."""
    try:
        mode = path.stat().st_mode
    except OSError:  # Opening it raises the right error.
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise SourceRejectedError(
            f"{path} is not a file but a pipe, a socket or a device: name a recording", Reason.NOT_FOUND
        )


def _pulled(source: str, values: dict[str, str], options: VideoOptions) -> tuple[InputContainer, Relay]:
    """Open a camera through a relay, following redirects."""
    target = Target.parse(source)
    for _ in range(_MOST_REDIRECTS + 1):
        relay = Relay.open(target, options.tls, timeout_s=options.timeout_s, allow_link_local=options.allow_link_local)
        try:
            return _open(relay.url, values, options, name=target.display_url), relay
        except BaseException as error:
            relay.close()
            if not isinstance(error, PatchwatchError):
                raise
            if relay.redirect is None:
                raise (relay.error or _without_key_frame(error, relay) or error) from None
        target = target.redirected(relay.redirect)
        log.info("%s redirects to %s", redact(source), target.display_url)
    raise SourceUnavailableError(
        f"{redact(source)} redirects from one address to the next without end: name the last one as the source",
        Reason.REFUSED,
    )


def _without_key_frame(error: PatchwatchError, relay: Relay) -> PatchwatchError | None:
    if getattr(error, "reason", None) != Reason.TIMEOUT or not relay.packets:
        return None
    return SourceUnavailableError(
        f"{relay.display_url} sends data, but no key frame to begin with: set a shorter I-frame (key frame) interval "
        "in it, and its smart codec off",
        Reason.TIMEOUT,
    )


def _close(container: InputContainer, relay: Relay | None) -> None:
    container.close()
    if relay is not None:
        relay.close()


def _open(
    source: str | Path, values: dict[str, str], options: VideoOptions, *, name: str | None = None
) -> InputContainer:
    with translated(name or str(source), options.kind):
        container: InputContainer = av.open(
            _url(source), format="image2" if options.still else None, options=values, timeout=_timeouts(options),
            metadata_errors="replace",  # Titles are not always UTF-8, and are not used.
        )  # fmt: skip
        return container


def _url(source: str | Path) -> str:
    # The prefix keeps FFmpeg from interpreting a file name as a URL or a pattern.
    return f"file:{source.resolve()}" if isinstance(source, Path) else source


def _timeouts(options: VideoOptions) -> tuple[float, float] | None:
    if not options.live:
        return None
    # FFmpeg's own timeout comes first; this one also bounds name resolution and a server that sends very slowly.
    return options.timeout_s * 3, options.timeout_s * 1.5


def _ffmpeg_options(source: str | Path, options: VideoOptions) -> dict[str, str]:
    if isinstance(source, Path) and options.still:
        # FFmpeg must not interpret the name as a pattern, which could match other files.
        return {"protocol_whitelist": "file", "format_whitelist": "image2", "pattern_type": "none"}
    if isinstance(source, Path):
        return {"protocol_whitelist": "file", "format_whitelist": _FILE_FORMATS}
    if not options.live:
        return {}
    values = {
        "timeout": str(round(options.timeout_s * _MICROSECONDS)),
        "allowed_media_types": "video",
        "analyzeduration": "500000",  # Halves the time to the first picture.
        "probesize": "500000",
        "protocol_whitelist": "rtsp,rtsps,rtp,srtp,udp,tcp,tls,crypto",
    }
    # filter_src: over UDP, accept no packets of other senders, who would only have to guess our ports.
    return values | {"rtsp_transport": "tcp" if options.published else options.transport, "rtsp_flags": "filter_src"}


def _pts_s(picture: av.VideoFrame) -> float | None:
    if picture.pts is None or picture.time_base is None:
        return None
    return float(picture.pts * picture.time_base)


def _scaled(width: int, height: int, max_side_px: int) -> tuple[int, int]:
    factor = min(1.0, max_side_px / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))
