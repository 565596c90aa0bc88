"""Who may publish to which camera: asked anew at every ANNOUNCE, of the camera that it names."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Protocol

from patchwatch.contract.errors import BusUnavailableError
from patchwatch.contract.settings import Settings
from patchwatch.messages.camera import Camera
from patchwatch.messages.capture_status import Reason
from patchwatch.messages.source import Source, SourceKind
from workers.ingest.camera_capture import PublisherSlot
from workers.ingest.rtsp.authentication import Authenticator
from workers.ingest.rtsp.message import Request
from workers.ingest.rtsp.peer_limits import PeerLimits
from workers.ingest.rtsp.refusal import Refusal

MAX_UNKNOWN = 64  # push cameras there may be, before unknown publishers add no more
_ASK_AGAIN_S = 0.2  # strangers cannot make us ask Redis more often


class Cameras(Protocol):
    """What the endpoint needs of the supervisor."""

    @property
    def cameras(self) -> Mapping[str, Camera]: ...
    async def refresh(self) -> None: ...
    async def add_camera(self, camera: Camera) -> None: ...
    async def admit(self, camera_id: str, url: str) -> PublisherSlot: ...
    def publisher_refused(self, camera_id: str, reason: Reason, detail: str) -> None: ...


class Admission:
    """Judges requests. Without the right password nobody learns which cameras there are."""

    def __init__(self, settings: Settings, cameras: Cameras, peers: PeerLimits) -> None:
        self._settings = settings
        self._cameras = cameras
        self._peers = peers
        self._asked_s = -_ASK_AGAIN_S
        self._adding = asyncio.Lock()

    async def camera(self, request: Request, host: str, nonce: str) -> Camera:
        """The camera that a request may publish to; one that is not stored yet where unknown ones are taken.

        Raises `Refusal`.
        """
        camera_id = request.camera_id
        if camera_id is None:
            raise Refusal(404, "The path must be a camera id (a-z, 0-9, - and _), like rtsp://HOST:PORT/yard")
        given = request.headers.get("authorization")
        if camera_id not in self._cameras.cameras and (given is not None or self._gate(camera_id, nonce).is_open):
            await self._ask_redis()
        gate = self._gate(camera_id, nonce)
        if not gate.is_open:
            self._check(gate, request, host, camera_id)
        return self._published_camera(camera_id)

    async def still(self, camera: Camera) -> None:
        """Check that what `camera` allowed still holds, now that it counts; add one that is new. Raises `Refusal`."""
        if camera.id not in self._cameras.cameras and self._settings.accept_unknown_publishers:
            await self._add(camera)
        now = self._cameras.cameras.get(camera.id)
        if now is None or _asked(now) != _asked(camera):
            raise Refusal(403, f"Camera {camera.id} was changed meanwhile - publish again")

    def _gate(self, camera_id: str, nonce: str) -> Authenticator:
        cameras = self._cameras.cameras
        gate = Authenticator.of(cameras.get(camera_id), self._settings, nonce)
        hides = camera_id not in cameras and not self._settings.accept_unknown_publishers
        if gate.is_open and hides and any(camera.publish_username for camera in cameras.values()):
            return Authenticator.shut_to_all(nonce)  # else it would stand out from those that ask for a password
        return gate

    def _check(self, gate: Authenticator, request: Request, host: str, camera_id: str) -> None:
        given = request.headers.get("authorization")
        if given is not None and not self._peers.may_guess(host, camera_id):
            raise Refusal(403, "Too many wrong passwords from this address - wait a minute")
        if gate.admits(request.method, request.uri, given):
            self._peers.proved(host, camera_id)
            return
        if given is not None:
            self._peers.guessed_wrong(host, camera_id)
        why = "user and password are needed" if given is None else "no such camera, or wrong user or password"
        raise Refusal(
            401,
            f"Unauthorized - {why}",
            headers=gate.challenges(),
            closes=False,
            reason=Reason.AUTH,
            camera_id=camera_id,
        )

    def _published_camera(self, camera_id: str) -> Camera:
        camera = self._cameras.cameras.get(camera_id)
        if camera is None and self._settings.accept_unknown_publishers:
            return Camera(id=camera_id, source="push:")
        if camera is None:
            raise Refusal(404, f"No camera {camera_id} - add it with: patchwatch cameras add {camera_id}")
        if not camera.enabled:
            raise Refusal(403, f"Camera {camera_id} is disabled")
        if Source.parse(camera.source).kind is not SourceKind.PUSH:
            raise Refusal(403, f"Camera {camera_id} does not have the source push:")
        return camera

    async def _add(self, camera: Camera) -> None:
        async with self._adding:
            pushed = sum(Source.parse(other.source).kind is SourceKind.PUSH for other in self._cameras.cameras.values())
            if camera.id not in self._cameras.cameras and pushed >= MAX_UNKNOWN:
                raise Refusal(
                    403, f"{pushed} cameras publish already - add more with: patchwatch cameras add {camera.id}"
                )
            try:
                await self._cameras.add_camera(camera)
            except BusUnavailableError:
                raise Refusal(503, "The camera cannot be added now - try again") from None

    async def _ask_redis(self) -> None:
        """A camera may have been added a moment ago."""
        if time.monotonic() - self._asked_s >= _ASK_AGAIN_S:
            self._asked_s = time.monotonic()
            with contextlib.suppress(BusUnavailableError):
                await self._cameras.refresh()


def _asked(camera: Camera) -> tuple[object, ...]:
    """What a publisher was judged by."""
    return camera.enabled, camera.source, camera.publish_username, camera.publish_password
