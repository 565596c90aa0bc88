"""An ingest worker in the test's own event loop, an independent RTSP camera, and footage made on the spot."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import parts
import redis.asyncio
from waiting import PATIENCE_S, eventually

from patchwatch.bus import keys
from patchwatch.bus.connection import connect_async
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.frames.frame import FrameMessage
from workers.ingest.rtsp.server import RtspServer
from workers.ingest.supervisor import Supervisor

__all__ = ["Rig", "eventually", "free_port", "program", "rtsp_camera", "running", "write_video"]

RTSP_SERVER = Path(__file__).parent / "rtsp_server.py"
WITHIN_S = PATIENCE_S


def free_port() -> int:
    """A port that nobody else gets while this process lives: it stays bound, yet a server may listen on it."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port = int(holder.getsockname()[1])
    holder.detach()
    return port


def write_video(
    path: Path, *, seconds: float = 2.0, fps: int = 25, size: tuple[int, int] = (320, 240),
    options: dict[str, str] | None = None,
) -> Path:  # fmt: skip
    """A bright square that wanders over a gradient; H.264, a key frame each second."""
    width, height = size
    ground = np.broadcast_to(np.linspace(0, 200, width, dtype=np.uint8)[None, :, None], (height, width, 3)).copy()
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "g": str(fps)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(round(seconds * fps)):
            picture = ground.copy()
            x = number * 3 % max(1, width - 20)
            picture[height // 3 : height // 3 + 20, x : x + 20] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


class Rig:
    """A running ingest worker and what a user would see of it in Redis."""

    def __init__(self, settings: Settings, client: redis.asyncio.Redis, supervisor: Supervisor, port: int) -> None:
        self.settings = settings
        self.client = client
        self.supervisor = supervisor
        self.port = port

    async def put(self, camera: Camera) -> None:
        await self.client.hset(keys.CAMERAS, camera.id, camera.encode())
        await self.client.incr(keys.CAMERAS_REVISION)

    async def remove(self, camera_id: str) -> None:
        await self.client.hdel(keys.CAMERAS, camera_id)
        await self.client.delete(*self.keys(camera_id).all)
        await self.client.incr(keys.CAMERAS_REVISION)

    def keys(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, self.settings.partitions)

    async def status(self, camera_id: str) -> CaptureStatus | None:
        data = await self.client.get(self.keys(camera_id).capture)
        return CaptureStatus.decode(data) if data else None

    async def until(
        self, camera_id: str, holds: Callable[[CaptureStatus], bool] | CaptureState, within_s: float = WITHIN_S
    ) -> CaptureStatus:
        """The first status for which a condition holds."""
        wanted = holds if callable(holds) else lambda status: status.state is holds
        deadline = time.monotonic() + within_s
        status = None
        while time.monotonic() < deadline:
            with contextlib.suppress(redis.ConnectionError):
                status = await self.status(camera_id)
            if status is not None and wanted(status):
                return status
            await asyncio.sleep(0.03)
        raise AssertionError(f"not within {within_s} s; the last status: {status}")

    async def until_gone(self, camera_id: str) -> None:
        """Until no frame and no status of a camera is left."""
        async with asyncio.timeout(WITHIN_S):
            while await self.client.exists(self.keys(camera_id).frames, self.keys(camera_id).capture):  # noqa: ASYNC110
                await asyncio.sleep(0.03)

    async def frames(self, camera_id: str) -> list[FrameMessage]:
        client: Any = self.client  # its types allow text, which it is not set up to return
        return [FrameMessage.decode(i, f) for i, f in await client.xrange(self.keys(camera_id).frames)]

    async def frames_above(
        self, camera_id: str, seq: int, count: int = 3, within_s: float = WITHIN_S
    ) -> list[FrameMessage]:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with contextlib.suppress(redis.ConnectionError):
                newer = [frame for frame in await self.frames(camera_id) if frame.seq > seq]
                if len(newer) >= count:
                    return newer
            await asyncio.sleep(0.03)
        raise AssertionError(f"no {count} frames above {seq} within {within_s} s: {await self.status(camera_id)}")


@asynccontextmanager
async def running(settings: Settings, stable_after_s: float = 30.0) -> AsyncIterator[Rig]:
    """Supervisor and endpoint, until the block ends."""
    assert settings.redis_url
    async with connect_async(settings.redis_url.get_secret_value()) as client:
        supervisor = Supervisor(settings, client, stable_after_s=stable_after_s)
        async with RtspServer(settings, supervisor, request_within_s=2.0) as endpoint:
            task = asyncio.create_task(supervisor.run())
            try:
                yield Rig(settings, client, supervisor, endpoint.port)
            finally:
                supervisor.stop()
                await task


@contextmanager
def rtsp_camera(port: int, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """An independent RTSP server at rtsp://127.0.0.1:PORT/cam."""
    process = subprocess.Popen(
        [parts.gst_python(), str(RTSP_SERVER), "--port", str(port), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Any program, killed at the end."""
    process = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
