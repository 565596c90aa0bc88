"""The cameras of a Frigate configuration, from its file or from `GET /api/config`, which tells the same as JSON.

Facts of Frigate's documentation that this relies on: of `cameras.NAME.ffmpeg.inputs` the one with the role `detect` is
analysed; `go2rtc.streams.NAME` is passed on as `rtsp://HOST:8554/NAME`; `{FRIGATE_...}` in a path stands for a variable
of Frigate's container; `/api/config` masks passwords with `*`; corners of zones are shares of the picture, or, as
before version 0.14, pixels of `detect.width` and `detect.height`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from patchwatch.contract.access_policy import is_loopback
from patchwatch.contract.errors import RejectedError
from patchwatch.nvr.frigate_zones import frigate_zones
from patchwatch.nvr.go2rtc import RTSP_PORT, restream
from patchwatch.nvr.known_camera import MOST_CAMERAS, KnownCamera

_VARIABLE = re.compile(r"\{(FRIGATE_[A-Z0-9_]{1,100})\}")
_MASKED = re.compile(r"//\*{1,20}:\*{1,20}@|//\*{1,20}@")


@dataclass(frozen=True)
class Frigate:
    """How Frigate's cameras are reached: ``host`` is Frigate's, ``rtsp_port`` that of its go2rtc. ``direct``: connect
    to each camera itself, not to the restream. ``variables``: what stands for ``{FRIGATE_...}``."""

    host: str
    rtsp_port: int = RTSP_PORT
    direct: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    def cameras(self, config: Mapping[str, Any]) -> list[KnownCamera]:
        """Raises `RejectedError` for a document that is no configuration of Frigate."""
        cameras = config.get("cameras")
        if not isinstance(cameras, dict) or not cameras:
            raise RejectedError("it lists no `cameras`, so it is not Frigate's configuration: name that")
        streams = _mapping(_mapping(config.get("go2rtc")).get("streams"))
        entries = list(cameras.items())[:MOST_CAMERAS]
        return [self._camera(str(name), _mapping(entry), streams) for name, entry in entries]

    def _camera(self, name: str, entry: Mapping[str, Any], streams: Mapping[str, Any]) -> KnownCamera:
        if entry.get("enabled") is False:
            return KnownCamera(name, reason="it is switched off in Frigate: set `enabled: true` there first")
        camera = self._source(name, entry, streams)
        zones, left_out = frigate_zones(entry)
        return replace(camera, zones=zones, left_out=left_out)

    def _source(self, name: str, entry: Mapping[str, Any], streams: Mapping[str, Any]) -> KnownCamera:
        path = _detect_path(entry)
        if path is None:
            return KnownCamera(name, reason="it has no input with a path: give it one in `ffmpeg.inputs`")
        restreamed = _restreamed(path)
        if restreamed is None and not self.direct and name in streams:
            restreamed = name
        if restreamed is not None:
            return KnownCamera.from_source(name, restream(self.host, self.rtsp_port, restreamed))
        if _MASKED.search(path):
            return KnownCamera(
                name, reason="Frigate's API hides its password, and it has no go2rtc restream: import Frigate's "
                "configuration file, or add a restream",
            )  # fmt: skip
        return self._direct(name, path)

    def _direct(self, name: str, path: str) -> KnownCamera:
        unknown = sorted({key for key in _VARIABLE.findall(path) if key not in self.variables})
        if unknown:
            return KnownCamera(name, reason=f"its address needs {', '.join(unknown)}: name their file with --env-file")
        return KnownCamera.from_source(name, _VARIABLE.sub(lambda match: self.variables[match.group(1)], path))


def _detect_path(entry: Mapping[str, Any]) -> str | None:
    """The address of the input that Frigate analyses, or of its only one."""
    inputs = _mapping(entry.get("ffmpeg")).get("inputs")
    known = [each for each in inputs if isinstance(each, dict)] if isinstance(inputs, list) else []
    detecting = [each for each in known if "detect" in (each.get("roles") or ())]
    path = (detecting or known or [{}])[0].get("path")
    return path if isinstance(path, str) and path else None


def _restreamed(path: str) -> str | None:
    """The stream's name, where an input is Frigate's own go2rtc on its loopback address."""
    try:
        parts = urlsplit(path)
        own = is_loopback(parts.hostname or "") and parts.port == RTSP_PORT
    except ValueError:
        return None
    return parts.path.strip("/") or None if own and parts.scheme == "rtsp" else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
