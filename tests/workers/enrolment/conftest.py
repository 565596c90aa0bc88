"""A media folder with recordings of a small scene, and enrolments as the service would ask for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from moving_film import film
from moving_scene import FPS, HEIGHT, WIDTH, scene
from waiting import PATIENCE_S
from worker_thread import in_thread

from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.enrolment import Enrolment
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.enrolment.worker import EnrolmentWorker
from workers.media import jpeg_codec


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds ``normal.mp4`` of 24 s, ``short.mp4`` of 10 s and ``tiny.mp4`` of 4 s."""
    folder = tmp_path_factory.mktemp("media")
    for name, seconds in (("normal", 24), ("short", 10), ("tiny", 4)):
        film(folder / f"{name}.mp4", seconds)
    return folder


@pytest.fixture
def settings(bus_url: str, tmp_path: Path, media: Path) -> Settings:
    return Settings(
        redis_url=bus_url, data_dir=tmp_path / "data", media_dirs=(media, tmp_path), enrolment_timeout_s=30.0
    )


class Site:
    """What the service and an ingest worker would do to Redis."""

    def __init__(self, url: str, settings: Settings, media: Path) -> None:
        self.client: Any = connect(url)
        self.settings = settings
        self.media = media
        self._frames = 0

    def camera(self, camera_id: str = "cam") -> None:
        self.client.hset(keys.CAMERAS, camera_id, Camera(id=camera_id).encode())

    def ask(self, job_id: str = "job", camera_id: str = "cam", *names: str, at_ms: int = 1, **changes: Any) -> str:
        """An enrolment of recordings of the media folder, or else of what the changes say."""
        sources = tuple(f"file:{self.media / name}" for name in names)
        known = {"sources": sources, "profile": "motion", "created_at_ms": at_ms, "updated_at_ms": at_ms} | changes
        job = Enrolment.model_validate({"id": job_id, "camera_id": camera_id, **known})
        self.client.hset(keys.ENROLMENT_RECORDS, job.id, job.encode())
        return job_id

    def record(self, job_id: str = "job") -> Enrolment:
        return Enrolment.decode(self.client.hget(keys.ENROLMENT_RECORDS, job_id))

    def change(self, job_id: str, **changes: Any) -> None:
        changed = self.record(job_id).model_copy(update=changes)
        self.client.hset(keys.ENROLMENT_RECORDS, job_id, changed.encode())

    def finished(
        self, job_id: str = "job", meanwhile: Callable[[], None] = lambda: None, within_s: float = PATIENCE_S
    ) -> Enrolment:
        def over() -> Enrolment | None:
            meanwhile()
            result = self.record(job_id)
            return None if result.state.pending else result

        result: Enrolment = self.until(over, within_s)
        return result

    def until(self, condition: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
        deadline_s = time.monotonic() + within_s
        while not (value := condition()):
            assert time.monotonic() < deadline_s, self.client.hgetall(keys.ENROLMENT_RECORDS)
            time.sleep(0.02)
        return value

    def deliver(self, *camera_ids: str) -> None:
        """The next frame of each of these cameras."""
        n, self._frames = self._frames, self._frames + 1
        jpeg = jpeg_codec.encode(scene(n / FPS), 85)
        at_ns = 1_800_000_000 * 10**9 + n * 10**9 // FPS
        message = FrameMessage(n + 1, at_ns, 0, WIDTH, HEIGHT, WIDTH, HEIGHT, FrameFlag.LIVE, jpeg)
        for camera_id in camera_ids:
            of = CameraKeys.for_camera(camera_id, self.settings.partitions)
            self.client.xadd(of.frames, message.encode(), id=message.entry_id, maxlen=64)

    @contextmanager
    def running(self, **changes: object) -> Iterator[EnrolmentWorker]:
        worker = EnrolmentWorker(self.settings.changed(**changes))
        with in_thread(worker):
            yield worker


@pytest.fixture
def site(bus_url: str, settings: Settings, media: Path) -> Iterator[Site]:
    site = Site(bus_url, settings, media)
    yield site
    site.client.close()
