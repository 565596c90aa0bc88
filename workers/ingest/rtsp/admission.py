"""Who may publish to which camera. Checked at every ANNOUNCE, for the camera that it names."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Protocol

from patchwatch.contract.access_policy import is_loopback
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import MAX_CAMERAS, Camera
from patchwatch.messages.cameras.capture_status import Reason
from patchwatch.messages.cameras.source import Source, SourceKind
from workers.ingest.camera_capture import PublisherSlot
from workers.ingest.rtsp.authentication import Authenticator, camera_id_of
from workers.ingest.rtsp.peer_limits import PeerLimits
from workers.ingest.rtsp.refusal import Refusal
from workers.rtsp.message import Request

_REFRESH_EVERY_S = 0.2  # Strangers cannot make us query Redis more often.

log = logging.getLogger("patchwatch.ingest")


class Cameras(Protocol):
    """What the server needs of the supervisor."""

    @property
    def cameras(self) -> Mapping[str, Camera]: ...
    async def refresh(self) -> None: ...
    async def add_camera(self, camera: Camera) -> None: ...
    async def admit(self, camera_id: str, url: str) -> PublisherSlot: ...
    def publisher_refused(self, camera_id: str, reason: Reason, detail: str) -> None: ...


class Admission:
    """Checks requests. Without a valid password, clients cannot learn which cameras exist."""

    def __init__(self, settings: Settings, cameras: Cameras, peers: PeerLimits) -> None:
        self._settings = settings
        self._cameras = cameras
        self._peers = peers
        self._refreshed_s = -_REFRESH_EVERY_S
        self._adding = asyncio.Lock()

    async def camera_for(self, request: Request, host: str, nonce: str) -> Camera:
        """The camera that a request from ``host`` may publish to; one that is not stored yet where it may be adopted.

        Raises `Refusal`.
        """
        camera_id = camera_id_of(request.uri)
        if camera_id is None:
            raise Refusal(404, "The path must be a camera id (a-z, 0-9, - and _), as in rtsp://HOST:PORT/CAMERA_ID")
        authorization = request.headers.get("Authorization")
        is_open = self._authenticator(camera_id, host, nonce).is_open
        if camera_id not in self._cameras.cameras and (authorization is not None or is_open):
            await self._refresh()
        authenticator = self._authenticator(camera_id, host, nonce)
        if not authenticator.is_open:
            self._authenticate(authenticator, request, host, camera_id)
        return self._published_camera(camera_id, host)

    async def recheck(self, camera: Camera) -> None:
        """Check at RECORD that what `camera_for` allowed still holds, and add a camera that is new. Raises
        `Refusal`."""
        if camera.id not in self._cameras.cameras and camera.adopted:
            await self._adopt(camera)
        current = self._cameras.cameras.get(camera.id)
        if current is None or _conditions(current) != _conditions(camera):
            raise Refusal(403, f"Camera {camera.id} was changed meanwhile - publish again")

    def _adopts(self, host: str) -> bool:
        """Whether an unknown publisher at this address, who gave the password that is asked for, becomes a camera."""
        match self._settings.adopt_publishers:
            case "off":
                return False
            case "anyone":
                return True
            case "password" if self._settings.publish_username:
                return True
        return is_loopback(host)

    def _authenticator(self, camera_id: str, host: str, nonce: str) -> Authenticator:
        cameras = self._cameras.cameras
        authenticator = Authenticator.from_camera(cameras.get(camera_id), self._settings, nonce)
        hides = camera_id not in cameras and not self._adopts(host)
        if authenticator.is_open and hides and any(camera.publish_username for camera in cameras.values()):
            return Authenticator.rejecting_all(nonce)  # A 404 would tell it apart from cameras with a password.
        return authenticator

    def _authenticate(self, authenticator: Authenticator, request: Request, host: str, camera_id: str) -> None:
        authorization = request.headers.get("Authorization")
        if authorization is not None and not self._peers.may_try(host, camera_id):
            raise Refusal(403, "Too many wrong passwords from this address - wait a minute")
        if authenticator.admits(request.method, request.uri, authorization):
            self._peers.record_success(host, camera_id)
            return
        if authorization is not None:
            self._peers.record_failure(host, camera_id)
        why = "user and password are needed" if authorization is None else "no such camera, or wrong user or password"
        raise Refusal(
            401, f"Unauthorized - {why}", headers=authenticator.challenges(), closes=False,
            reason=Reason.AUTH, camera_id=camera_id,
        )  # fmt: skip

    def _published_camera(self, camera_id: str, host: str) -> Camera:
        camera = self._cameras.cameras.get(camera_id)
        if camera is None and self._adopts(host):
            return Camera(id=camera_id, source="push:", profile=self._settings.default_profile, adopted=True)
        if camera is None:
            raise Refusal(404, f"No camera {camera_id} - add it with: patchwatch cameras add {camera_id}")
        if not camera.enabled:
            raise Refusal(403, f"Camera {camera_id} is disabled")
        if camera.zones_fault:
            raise Refusal(403, f"Camera {camera_id} has zones that cannot be read - set them again")
        if Source.parse(camera.source).kind is not SourceKind.PUSH:
            raise Refusal(403, f"Camera {camera_id} does not have the source push:")
        return camera

    async def _adopt(self, camera: Camera) -> None:
        async with self._adding:
            if camera.id in self._cameras.cameras:
                return
            self._check_room(camera.id)
            try:
                await self._cameras.add_camera(camera)
            except BusUnavailableError:
                raise Refusal(503, "The camera cannot be added now - try again") from None
            log.info("camera %s: new, because it publishes: look at it, then `patchwatch cameras acknowledge %s`",
                     camera.id, camera.id)  # fmt: skip

    def _check_room(self, camera_id: str) -> None:
        cameras = self._cameras.cameras.values()
        adopted = sum(camera.adopted for camera in cameras)
        if adopted >= self._settings.adopted_cameras:
            raise Refusal(
                403, f"{adopted} cameras came by themselves and nobody has looked at them yet - acknowledge or remove "
                f"some, or add this one with: patchwatch cameras add {camera_id}",
            )  # fmt: skip
        if len(cameras) >= MAX_CAMERAS:
            raise Refusal(403, f"There are {MAX_CAMERAS} cameras, and no more are possible - remove one")

    async def _refresh(self) -> None:
        """Read the cameras again: this one may have been added a moment ago."""
        if time.monotonic() - self._refreshed_s >= _REFRESH_EVERY_S:
            self._refreshed_s = time.monotonic()
            with contextlib.suppress(BusUnavailableError):
                await self._cameras.refresh()


def _conditions(camera: Camera) -> tuple[object, ...]:
    """The fields that decided whether a publisher was admitted."""
    return camera.enabled, camera.source, camera.publish_username, camera.publish_password, camera.zones_fault
