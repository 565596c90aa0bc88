"""What Frigate calls a camera."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from patchwatch.messages.alerts.channel import Channel
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.source import Source, SourceKind
from workers.delivery.delivery_result import DeliveryResult, ResultKind


def frigate_name(channel: Channel, camera_id: str, camera: Camera | None, known: Collection[str]) -> str | None:
    """Of the names that Frigate knows: the one that the channel gives, or else the camera's name, that of the restream
    which it is fetched from, or its id. None where it is none of them. ``camera``: None where it was removed."""
    if camera_id in channel.camera_names:
        candidates = [channel.camera_names[camera_id]]
    else:
        candidates = [*((camera.name, _restream(camera)) if camera is not None else ()), camera_id]
    return next((name for name in candidates if name in known), None)


def unknown_camera(channel: Channel, camera_id: str) -> DeliveryResult:
    """That no event can be made for it, and what helps."""
    named = channel.camera_names.get(camera_id)
    reason = (
        f"Frigate has no camera {named or camera_id!r}: `patchwatch channels update {channel.id} --camera-name "
        f"{camera_id}=NAME` says what it is called there, --camera leaves it out"
    )
    return DeliveryResult(ResultKind.REJECTED, reason)


def _restream(camera: Camera) -> str:
    """The last part of the path of a source: go2rtc serves the camera NAME as rtsp://HOST:8554/NAME."""
    source = Source.parse(camera.source)
    return unquote(urlsplit(source.url).path).rpartition("/")[2] if source.kind is SourceKind.PULL else ""
