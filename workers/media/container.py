"""Opens what FFmpeg reads: files, and cameras through a relay."""

from __future__ import annotations

import logging
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import av
from av.container import InputContainer

from patchwatch.contract.errors import PatchwatchError, SourceRejectedError, SourceUnavailableError
from patchwatch.contract.redaction import redact
from patchwatch.messages.cameras.capture_status import Reason
from patchwatch.messages.cameras.source import SourceKind
from patchwatch.messages.cameras.zones.polygon import Polygon
from workers.media.ffmpeg_errors import translated
from workers.rtsp_client.relay import Relay
from workers.rtsp_client.target import Target
from workers.rtsp_client.tls import TlsOptions

log = logging.getLogger(__name__)

_MICROSECONDS = 1_000_000
_PULLED = ("rtsp", "rtsps")
_MOST_REDIRECTS = 3
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
    ``still``: the file is a single picture. ``hidden``: what is blacked out in every picture, in shares of it.
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
    hidden: tuple[Polygon, ...] = ()
    tls: TlsOptions = field(default_factory=TlsOptions)

    @property
    def kind(self) -> SourceKind:
        if not self.live:
            return SourceKind.FILE
        return SourceKind.PUSH if self.published else SourceKind.PULL


class Container(NamedTuple):
    """What FFmpeg has open, and the relay that it reads a camera through."""

    input: InputContainer
    relay: Relay | None = None

    def explained(self, error: SourceUnavailableError) -> SourceUnavailableError:
        """An error of FFmpeg's before the first picture, as the relay knows it."""
        return (self.relay and _without_pictures(error, self.relay)) or error

    def close(self) -> None:
        """Free the decoder and the connection; the garbage collector would leak them."""
        self.input.close()
        if self.relay is not None:
            self.relay.close()


def open_container(source: str | Path, options: VideoOptions) -> Container:
    """Open a file (`Path`) or a URL that FFmpeg supports; raises as `workers.media.video.Video.open`."""
    values = _ffmpeg_options(source, options)
    if isinstance(source, Path):
        _check_file(source)
    if isinstance(source, Path) or options.published or urlsplit(source).scheme not in _PULLED:
        return Container(_open(source, values, options))
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


def _pulled(source: str, values: dict[str, str], options: VideoOptions) -> Container:
    """Open a camera through a relay, following redirects."""
    target = Target.parse(source)
    for _ in range(_MOST_REDIRECTS + 1):
        relay = Relay.open(target, options.tls, timeout_s=options.timeout_s, allow_link_local=options.allow_link_local)
        try:
            return Container(_open(relay.url, values, options, name=target.display_url), relay)
        except BaseException as error:
            relay.close()
            if not isinstance(error, PatchwatchError):
                raise
            if relay.redirect is None:
                raise (relay.error or _without_pictures(error, relay) or error) from None
        target = target.redirected(relay.redirect)
        log.info("%s redirects to %s", redact(source), target.display_url)
    raise SourceUnavailableError(
        f"{redact(source)} redirects from one address to the next without end: name the last one as the source",
        Reason.REFUSED,
    )


def _without_pictures(error: PatchwatchError, relay: Relay) -> SourceUnavailableError | None:
    """What a camera lacks that answers, and whose pictures still do not come in time; None where it does not answer."""
    if getattr(error, "reason", None) != Reason.TIMEOUT or not (relay.packets or relay.playing):
        return None
    lacks = (
        "sends data, but no key frame to begin with: set a shorter I-frame (key frame) interval in it, and its smart "
        "codec off"
        if relay.packets
        else "answers, and has agreed to send, but no video comes: look whether another program gets this stream, "
        "restart the camera, or choose its other stream"
    )
    return SourceUnavailableError(f"{relay.display_url} {lacks}", Reason.TIMEOUT)


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
