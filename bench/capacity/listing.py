"""How soon the service answers when there are thousands of cameras: records of real ones, copied under other names."""

from __future__ import annotations

import uuid
from typing import Any

from bench.capacity.clients import answer_times
from bench.capacity.site import Site
from bench.capacity.stand_in_engine import PROFILE
from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.cameras.camera import Camera

_WORKERS = ("ingest", "inference", "enrolment", "delivery")


def listings(site: Site, counts: list[int], times: int) -> list[dict[str, Any]]:
    """With each number of cameras, what the service takes to answer. Ends all workers first: they would adopt the
    copies."""
    site.stop(_WORKERS)
    known = list(site.cameras)
    rows = []
    for count in counts:
        for number in range(len(site.cameras), count):
            _copy(site, known[number % len(known)], f"copy{number:05d}")
        rows.append({"cameras": len(site.cameras), "answer_ms": answer_times(site, times)})
    return rows


def _copy(site: Site, camera_id: str, name: str) -> None:
    of, to = site.keys(camera_id), site.keys(name)
    with site.redis.pipeline(transaction=False) as pipe:
        for source, target in zip(_records(of), _records(to), strict=True):
            pipe.copy(source, target)
        camera = Camera(
            id=name, source="rtsp://127.0.0.1:9/simulated", profile=PROFILE, incarnation=uuid.uuid4().hex, revision=1
        )
        pipe.hset(keys.CAMERAS, name, camera.encode())
        pipe.incr(keys.CAMERAS_REVISION)
        pipe.execute()
    site.cameras.append(name)


def _records(of: CameraKeys) -> tuple[str, ...]:
    return of.frames, of.scores, of.minutes, of.state, of.counters, of.capture, of.analysis
