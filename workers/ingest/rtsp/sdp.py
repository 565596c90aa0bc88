"""The description of a publisher's tracks (SDP, RFC 8866): parsed, and written again for FFmpeg with what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patchwatch.contract.errors import InvalidMessageError
from workers.rtsp.message import printable

_MAX_TRACKS = 16
_MAX_LINE = 8192  # FFmpeg reads lines of up to 16,384 characters.
_MAX_FORMATS = 8
# The video encodings over RTP that FFmpeg decodes, and the payload types that need no rtpmap (RFC 3551).
_ENCODINGS = {
    "H264", "H265", "JPEG", "MP4V-ES", "MPV", "MP2T", "VP8", "VP9", "AV1", "H261", "H263", "H263-1998", "H263-2000",
    "THEORA", "RAW",
}  # fmt: skip
_STATIC = {"26": "JPEG", "31": "H261", "32": "MPV", "33": "MP2T", "34": "H263"}
_KEPT = ("rtpmap", "fmtp", "framerate", "framesize", "x-dimensions")  # Attributes with keys or addresses are dropped.


@dataclass(frozen=True, slots=True)
class Track:
    """One ``m=`` section. ``control`` names it in a SETUP; ``attributes`` are the ``a=`` lines that FFmpeg needs."""

    media: str
    protocol: str
    formats: tuple[str, ...]
    attributes: tuple[str, ...]
    control: str

    @property
    def encodings(self) -> list[str]:
        """The codec name of each format; empty where the description does not say."""
        maps = (line.removeprefix("rtpmap:").split() for line in self.attributes if line.startswith("rtpmap:"))
        named = {parts[0]: parts[1].partition("/")[0].upper() for parts in maps if len(parts) > 1}
        return [named.get(number) or _STATIC.get(number, "") for number in self.formats]

    @property
    def is_video(self) -> bool:
        return self.media == "video"

    @property
    def problem(self) -> str:
        """Why this video cannot be read; empty when it can."""
        if "RTP/AVP" not in self.protocol:  # Some devices write RTP/AVP/TCP or TCP/RTP/AVP; RTP/SAVP is encrypted.
            return f"video over {printable(self.protocol, 20)} is not read - publish without encryption"
        if not _ENCODINGS.intersection(self.encodings):
            named = printable(" ".join(filter(None, self.encodings)), 40) or "unnamed"
            return f"the video codec ({named}) is not read - set the camera to H.264 or H.265"
        return ""


def parse_tracks(body: bytes) -> list[Track]:
    """The tracks in order. Raises `InvalidMessageError` when there are none."""
    sections: list[list[str]] = []
    for line in body.decode("latin-1").splitlines():
        if line[:2].lower() == "m=":
            sections.append([])
        if sections:
            sections[-1].append(line.strip()[:_MAX_LINE])
    if not sections:
        raise InvalidMessageError("an ANNOUNCE without a description of its tracks (SDP)")
    return [_track(lines) for lines in sections[:_MAX_TRACKS]]


def _track(lines: list[str]) -> Track:
    media, _, protocol, *formats = [*lines[0][2:].split(), "", "", ""][: 3 + _MAX_FORMATS]
    attributes = [_attribute(line) for line in lines[1:] if line[:2].lower() == "a="]
    control = next((value for name, value in attributes if name == "control"), "")
    kept = (f"{name}:{value}" for name, value in attributes if name in _KEPT and value.isprintable())
    numbers = tuple(text for text in formats if text.isascii() and text.isdigit() and len(text) <= 3)
    return Track(media.lower(), protocol.upper(), numbers, tuple(kept), control)


def _attribute(line: str) -> tuple[str, str]:
    name, _, value = line[2:].partition(":")
    return name.strip().lower(), value.strip()


def describe(video: Sequence[Track]) -> bytes:
    """The description for the capture process. Track n has the control ``track<n>``."""
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=Patchwatch", "c=IN IP4 127.0.0.1", "t=0 0", "a=control:*"]
    for number, track in enumerate(video):
        lines.append(f"m=video 0 RTP/AVP {' '.join(track.formats)}")
        lines += (f"a={attribute}" for attribute in track.attributes)
        lines.append(f"a=control:track{number}")
    return "\r\n".join([*lines, ""]).encode("latin-1")
