"""A queue with one camera, its bank, and frames to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moving_scene import FPS, HEIGHT, WIDTH, scene
from scene_bank import bank_of_the_scene
from waiting import wait_until
from worker_thread import in_thread

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from models.engine.engine import Engine
from models.profiles.profile import load_profile
from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.zones.privacy_marks import marks_of
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.inference.worker import InferenceWorker
from workers.media import jpeg_codec

START_NS = 1_800_000_000_000_000_000


@pytest.fixture(scope="session")
def bank() -> Bank:
    """Motion bank of 60 s of the slow scene."""
    return bank_of_the_scene(Engine(load_profile("motion")))


class Queue:
    """What an ingest worker and the service would do to Redis, for one camera ``cam``."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.client: Any = connect(url)
        self.settings = settings
        self.keys = CameraKeys.for_camera("cam", settings.partitions)
        self.hidden = b""  # of the frames to come, as their capture blackens them

    def add_camera(self, **changes: Any) -> None:
        camera = Camera(id="cam", source="push:", **changes)
        self.hidden = marks_of(camera.privacy)
        self.client.hset(keys.CAMERAS, "cam", camera.encode())
        self.client.incr(keys.CAMERAS_REVISION)

    def frame(
        self,
        n: int,
        *,
        rush: bool = False,
        flags: int = 0,
        at_ns: int | None = None,
        media_ns: int | None = None,
        rgb: Any = None,
    ) -> None:
        """Queue frame ``n`` (sequence number n + 1): of the scene, unless given. ``at_ns`` is what the wall clock
        showed, ``media_ns`` the stream's own time."""
        media_ns = n * 10**9 // FPS if media_ns is None else media_ns
        at_ns = START_NS + media_ns if at_ns is None else at_ns
        if n == 0:
            flags |= FrameFlag.DISCONTINUITY
        flags = FrameFlag(flags)
        jpeg = jpeg_codec.encode(scene(n / FPS, rush=rush) if rgb is None else rgb, 85)
        message = FrameMessage(n + 1, at_ns, media_ns, WIDTH, HEIGHT, 2 * WIDTH, 2 * HEIGHT, flags, jpeg)
        message = replace(message, hidden=self.hidden)
        self.client.xadd(self.keys.frames, message.encode(), id=message.entry_id)

    def counters(self) -> dict[str, int]:
        return {name.decode(): int(n) for name, n in self.client.hgetall(self.keys.counters).items()}

    def scored(self) -> int:
        return self.counters().get("scored", 0)


@pytest.fixture(autouse=True)
def _quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of this process see changes soon."""
    monkeypatch.setattr("workers.inference.worker.POLL_EVERY_S", 0.2)
    monkeypatch.setattr("workers.inference.camera_registry.POLL_EVERY_S", 0.2)
    monkeypatch.setattr("workers.runtime.leases._ROUND_S", 0.2)


@pytest.fixture
def settings(bus_url: str, tmp_path: Path) -> Settings:
    return Settings(redis_url=bus_url, data_dir=tmp_path / "data", partitions=2)


@pytest.fixture
def queue(bus_url: str, settings: Settings) -> Iterator[Queue]:
    queue = Queue(bus_url, settings)
    yield queue
    queue.client.close()


@pytest.fixture
def enrolled(queue: Queue, bank: Bank) -> Queue:
    save_bank(bank, queue.settings.bank_path("cam", "motion"))
    queue.add_camera()
    return queue


@contextmanager
def running(settings: Settings) -> Iterator[InferenceWorker]:
    """A worker scoring in a thread; stopped cleanly at the end."""
    worker = InferenceWorker(settings)
    with in_thread(worker):
        yield worker


@pytest.fixture
def run_worker() -> Callable[[Settings], Any]:
    return running


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_until
