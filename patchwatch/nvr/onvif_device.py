"""What an ONVIF device streams: its media profiles and their RTSP addresses."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from patchwatch.contract.errors import ConfigurationError, RejectedError, RetryableError
from patchwatch.contract.redaction import one_line, redact
from patchwatch.nvr.ws_discovery import Device

_TIMEOUT_S = 15.0  # for all questions to a device
_MOST_PROFILES = 16
_ENOUGH_WIDTH = 640  # pixels: a wider picture is reduced before it is analysed
_HTTP_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Stream:
    """A media profile of a device. ``source`` may hold the password."""

    profile: str
    source: str
    codec: str
    width: int
    height: int


def device_streams(device: Device, username: str, password: str) -> list[Stream]:
    """The streams of a device. Its user and password are tried once: cameras lock out whoever insists.

    Raises `RejectedError` where the device refuses, `RetryableError` where it does not answer in time.
    """
    try:
        import onvif
        from zeep.exceptions import Error
    except ModuleNotFoundError:
        raise ConfigurationError("asking cameras needs the extra `onvif`: pip install '.[onvif]'") from None
    try:
        return asyncio.run(asyncio.wait_for(_streams(device, username, password), _TIMEOUT_S))
    except (onvif.ONVIFError, Error) as error:
        raise RejectedError(f"{device.host} refuses: {redact(one_line(str(error), 200))}; check --user") from None
    except (OSError, TimeoutError, ValueError) as error:
        why = f": {redact(one_line(str(error), 200))}" if str(error) else ""
        raise RetryableError(f"{device.host} does not answer as ONVIF devices do{why}; try again later") from None


def best_stream(streams: Sequence[Stream]) -> Stream | None:
    """The one with the fewest pixels that are enough to analyse; the widest where none is."""
    wide = [stream for stream in streams if stream.width >= _ENOUGH_WIDTH]
    if wide:
        return min(wide, key=lambda stream: stream.width * stream.height)
    return max(streams, key=lambda stream: stream.width * stream.height, default=None)


async def _streams(device: Device, username: str, password: str) -> list[Stream]:
    from onvif import ONVIFCamera

    parts = urlsplit(device.address)
    # With ``nat_override`` it asks the address that answered us, whatever the device calls its services.
    camera = ONVIFCamera(
        device.host, parts.port or _HTTP_PORTS[parts.scheme], username, password, adjust_time=True, nat_override=True
    )
    try:
        await camera.get_capabilities()  # fails for a wrong password, where `update_xaddrs` would ask a second time
        await camera.update_xaddrs()
        media = await camera.create_media_service()
        profiles = list(await media.GetProfiles() or ())[:_MOST_PROFILES]
        streams = [await _stream(media, profile, device, username, password) for profile in profiles]
    finally:
        with contextlib.suppress(Exception):  # whatever it says of its own connections
            await camera.close()
    return [stream for stream in streams if stream is not None]


async def _stream(media: Any, profile: Any, device: Device, username: str, password: str) -> Stream | None:
    encoder = profile.VideoEncoderConfiguration
    if encoder is None:
        return None  # sound only
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    answer = await media.GetStreamUri({"ProfileToken": profile.token, "StreamSetup": setup})
    source = _signed(str(answer.Uri), device.host, username, password)
    resolution = encoder.Resolution
    return Stream(str(profile.Name)[:60], source, str(encoder.Encoding), int(resolution.Width), int(resolution.Height))


def _signed(uri: str, host: str, username: str, password: str) -> str:
    """The stream's address at the device that we asked, with user and password."""
    parts = urlsplit(uri)
    shown = f"[{host}]" if ":" in host else host
    place = shown if parts.port is None else f"{shown}:{parts.port}"
    signed = f"{quote(username, safe='')}:{quote(password, safe='')}@{place}" if username else place
    return urlunsplit((parts.scheme or "rtsp", signed, parts.path, parts.query, ""))
