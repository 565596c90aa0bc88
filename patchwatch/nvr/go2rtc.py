"""The streams of a go2rtc server, by its documented API: `GET /api/streams` is a mapping by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from patchwatch.contract.errors import RejectedError
from patchwatch.nvr.known_camera import MOST_CAMERAS, KnownCamera

RTSP_PORT = 8554  # go2rtc's own default, and so Frigate's


def restream(host: str, port: int, name: str) -> str:
    """The address under which go2rtc passes on what it gets from the camera, over one connection to it."""
    shown = f"[{host}]" if ":" in host else host
    return f"rtsp://{shown}:{port}/{quote(name, safe='')}"


def go2rtc_cameras(streams: Mapping[str, Any], host: str, port: int) -> list[KnownCamera]:
    """A camera for each stream. Raises `RejectedError` for a document that is no mapping of streams."""
    if any(not isinstance(stream, (dict, list, str, type(None))) for stream in streams.values()):
        raise RejectedError("this is no list of go2rtc's streams: name its address, like http://go2rtc:1984")
    names = [str(name) for name in streams][:MOST_CAMERAS]
    return [KnownCamera.from_source(name, restream(host, port, name)) for name in names]
