"""Cameras that others know, looked for in one go: a program that the service asks, and that ends.

``python -m patchwatch.nvr.search`` reads a `SearchOrder` from its standard input and writes a `SearchAnswer`. What
devices and programs send is read here, and in no process that lives on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.errors import PatchwatchError, RejectedError
from patchwatch.nvr.document import read_document
from patchwatch.nvr.frigate import Frigate
from patchwatch.nvr.go2rtc import RTSP_PORT, go2rtc_cameras
from patchwatch.nvr.known_camera import KnownCamera, with_ids
from patchwatch.nvr.onvif_device import best_stream, device_streams
from patchwatch.nvr.ws_discovery import GROUP, Device, find_devices

_AT_ONCE = 16  # devices that are asked for their streams
_NEEDS_LOGIN = "its address holds a password: add it by its address, or run `patchwatch cameras import`"


class Place(StrEnum):
    """Where cameras are looked for."""

    NETWORK = "network"
    FRIGATE = "frigate"
    GO2RTC = "go2rtc"


class SearchOrder(BaseModel):
    """``address``: of the program; of the network: one machine to ask, empty for all."""

    model_config = ConfigDict(frozen=True)

    place: Place
    address: Annotated[str, Field(max_length=2000)] = ""
    user: Annotated[str, Field(max_length=200)] = ""
    password: Annotated[str, Field(max_length=200, repr=False)] = ""
    wait_s: Annotated[float, Field(ge=0.5, le=10)] = 3.0


class FoundCamera(BaseModel):
    """``source``: without user and password, which ``signed`` says that it needs. ``reason``: why it is not taken."""

    name: str
    id: str
    source: str | None = None
    signed: bool = False
    reason: str = ""
    zones: list[dict[str, Any]] = []


class SearchAnswer(BaseModel):
    """``problem``: why nothing could be looked for, with the remedy."""

    cameras: list[FoundCamera] = []
    problem: str = ""


def search(order: SearchOrder, targets: Sequence[tuple[str, int]] = ()) -> SearchAnswer:
    """Whatever goes wrong is part of the answer. ``targets``: whom to ask, in place of what the order says."""
    try:
        known = _in_network(order, targets) if order.place is Place.NETWORK else _of_program(order)
    except PatchwatchError as error:
        return SearchAnswer(problem=str(error))
    return SearchAnswer(cameras=[_found(camera, camera_id, order) for camera, camera_id in with_ids(known)])


def _in_network(order: SearchOrder, targets: Sequence[tuple[str, int]]) -> Iterable[KnownCamera]:
    asked = targets or ([(order.address, GROUP[1])] if order.address else [GROUP])
    devices = find_devices(order.wait_s, asked)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(lambda device: _of_device(device, order), devices))


def _of_device(device: Device, order: SearchOrder) -> KnownCamera:
    name = device.name if device.name == device.host else f"{device.name} ({device.host})"
    if not order.user:
        return KnownCamera(name, reason="enter its user and password, so that it can be asked for its streams")
    try:
        stream = best_stream(device_streams(device, order.user, order.password))
    except PatchwatchError as error:
        return KnownCamera(name, reason=str(error))
    if stream is None:
        return KnownCamera(name, reason="it has no video stream: look at its settings")
    return KnownCamera.from_source(device.name, stream.source)


def _of_program(order: SearchOrder) -> Iterable[KnownCamera]:
    web = urlsplit(order.address)
    if web.scheme not in ("http", "https") or not web.hostname:
        raise RejectedError(f"enter the address of {order.place.value}, like http://nvr:5000")
    if order.place is Place.GO2RTC:
        return go2rtc_cameras(read_document(order.address, "/api/streams"), web.hostname, RTSP_PORT)
    return Frigate(web.hostname, RTSP_PORT, direct=False).cameras(read_document(order.address, "/api/config"))


def _found(camera: KnownCamera, camera_id: str, order: SearchOrder) -> FoundCamera:
    if camera.source is None:
        return FoundCamera(name=camera.name, id=camera_id, reason=camera.reason or "it has no stream")
    parts = urlsplit(camera.source)
    signed = "@" in parts.netloc
    if signed and order.place is not Place.NETWORK:
        return FoundCamera(name=camera.name, id=camera_id, reason=_NEEDS_LOGIN)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    zones = [dict(zone) for zone in camera.zones]
    return FoundCamera(name=camera.name, id=camera_id, source=bare, signed=signed, zones=zones)


def main() -> None:
    """Answer one order."""
    order = SearchOrder.model_validate_json(sys.stdin.buffer.read())
    sys.stdout.write(search(order).model_dump_json())


if __name__ == "__main__":
    main()
