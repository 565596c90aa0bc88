"""Selects a source's video track. Recordings also contain covers, thumbnails and previews."""

from __future__ import annotations

import av
from av.container import InputContainer

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.messages.cameras.capture_status import Reason

_STILL_CODECS = ("mjpeg", "png", "bmp", "gif", "webp", "tiff")  # Thumbnails; used only without another track.
_COVER = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails


def video_track(container: InputContainer, name: str) -> av.VideoStream:
    """Raises `SourceRejectedError` when there is none, or none that can be decoded."""
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not streams:
        raise SourceRejectedError(f"{name} holds no video track: name a source with pictures", Reason.NO_VIDEO)
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise SourceRejectedError(f"{name}: no decoder for its video: set the camera to H.264 or H.265", Reason.CODEC)
    return max(known, key=_rank)  # The first of equals.


def _rank(stream: av.VideoStream) -> tuple[bool, bool, bool, int]:
    """Moving pictures first, then the track that players choose by default, then the largest: some recordings begin
    with thumbnails or previews."""
    context = stream.codec_context
    default = bool(stream.disposition & av.stream.Disposition.default)
    return stream.frames != 1, context.name not in _STILL_CODECS, default, context.width * context.height


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & _COVER)
