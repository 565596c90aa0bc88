"""A WebSocket of live pictures: the newest frame of every camera that the client has in view, a few times a second.

The client says which cameras it shows (``{"cameras": [...]}``), and how many pictures it has received so far
(``{"received": 12}``). What it has not received yet is bounded, so a slow client gets fewer pictures, never older ones.
A picture is a binary message: the length of its header (4 bytes, big-endian), the header as JSON, the JPEG.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from patchwatch.contract.errors import BusUnavailableError, NotFoundError
from patchwatch.contract.timestamps import iso
from patchwatch.messages.base import CameraId
from patchwatch.messages.cameras.camera import Camera
from service.http.websocket_handshake import accept
from service.problems.refusal import TRY_AGAIN_LATER
from service.store import Store
from service.store.cameras.frames import LatestFrame

MAX_CAMERAS = 64  # in view of one client
PICTURE_EVERY_S = 0.3
_UNRECEIVED = 12  # pictures on their way to one client
_INVALID = 4422


class _Wish(BaseModel):
    """What a client says; fields that it leaves out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    cameras: list[CameraId] | None = Field(None, max_length=MAX_CAMERAS)
    received: int | None = Field(None, ge=0)


class PictureSession:
    """Sends to one client. ``every_s``: between two looks for new frames."""

    def __init__(
        self, websocket: WebSocket, store: Store, *, heartbeat_s: float, every_s: float = PICTURE_EVERY_S
    ) -> None:
        self._websocket = websocket
        self._store = store
        self._heartbeat_s = heartbeat_s
        self._every_s = every_s
        self._wanted: list[str] = []
        self._shown: dict[str, int | None] = {}  # camera -> number of the frame that was sent last; None: told of none
        self._sent = 0
        self._received = 0
        self._first = 0  # whose turn it is: with a slow client, every camera gets its share

    async def run(self) -> None:
        """Returns when the client is gone, says what it may not, or Redis is away."""
        await accept(self._websocket)
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._pump())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._close(next(iter(done)).exception())

    async def _close(self, error: BaseException | None) -> None:
        if error is None or isinstance(error, WebSocketDisconnect):
            return
        if isinstance(error, ValidationError | KeyError):
            await self._websocket.close(_INVALID, f'send {{"cameras": [up to {MAX_CAMERAS} ids], "received": number}}')
        elif isinstance(error, BusUnavailableError):
            await self._websocket.close(TRY_AGAIN_LATER, "Redis does not answer")
        else:
            raise error

    async def _listen(self) -> None:
        while True:
            wish = _Wish.model_validate_json(await self._websocket.receive_text())
            if wish.received is not None:
                self._received = min(wish.received, self._sent)
            if wish.cameras is not None:
                self._wanted = list(dict.fromkeys(wish.cameras))
                self._shown = {name: seq for name, seq in self._shown.items() if name in self._wanted}

    async def _pump(self) -> None:
        beat_at_s = time.monotonic()
        while True:
            if time.monotonic() >= beat_at_s:
                await self._websocket.send_text('{"type":"heartbeat"}')
                beat_at_s = time.monotonic() + self._heartbeat_s
            await self._send_new()
            await asyncio.sleep(self._every_s)

    async def _send_new(self) -> None:
        """The newest frame of each camera that has one which the client has not. Cameras are read anew each time: one
        may be gone, or hide more of its picture."""
        if not self._wanted:
            return
        known = {camera.id: camera for camera in await self._store.cameras.all()}
        turn = [known[name] for name in self._wanted if name in known]
        turn = turn[self._first :] + turn[: self._first]
        newest = await self._store.frames.scored_seqs([camera.id for camera in turn])
        for number, camera in enumerate(turn):
            if self._sent - self._received >= _UNRECEIVED:
                self._first = (self._first + number) % len(turn)
                return
            if newest[camera.id] is None or newest[camera.id] != self._shown.get(camera.id):
                await self._send_newest(camera)
        self._first = 0

    async def _send_newest(self, camera: Camera) -> None:
        try:
            latest = await self._store.frames.latest(camera)
        except NotFoundError:
            if self._shown.get(camera.id, 0) is not None:
                self._shown[camera.id] = None
                await self._websocket.send_text(json.dumps({"type": "none", "camera_id": camera.id}))
            return
        if self._shown.get(camera.id) != latest.frame.seq:
            self._shown[camera.id] = latest.frame.seq
            self._sent += 1
            await self._websocket.send_bytes(picture_message(camera.id, latest))


def picture_message(camera_id: str, latest: LatestFrame) -> bytes:
    """A frame as a binary message. Boxes are in shares of the picture."""
    frame = latest.frame
    width, height = max(1, frame.source_width), max(1, frame.source_height)
    boxes = [
        {
            "label": box.label, "x1": box.region.x1 / width, "y1": box.region.y1 / height,
            "x2": box.region.x2 / width, "y2": box.region.y2 / height,
        }
        for box in latest.boxes or ()
    ]  # fmt: skip
    header: dict[str, Any] = {
        "camera_id": camera_id, "seq": frame.seq, "t": iso(frame.captured_at_ns // 1_000_000),
        "analysed": latest.boxes is not None, "boxes": boxes,
    }  # fmt: skip
    encoded = json.dumps(header, separators=(",", ":")).encode()
    return len(encoded).to_bytes(4, "big") + encoded + frame.jpeg
