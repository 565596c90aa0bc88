"""How long scored frames stay in the queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moving_scene import FPS, HEIGHT, WIDTH, scene

from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.media import jpeg_codec

Run = Callable[..., Any]


def feed(queue: Any, frames: range) -> None:
    for n in frames:
        jpeg = jpeg_codec.encode(scene(n / FPS), 85)
        at_ns = 1_800_000_000 * 10**9 + n * 10**9 // FPS
        message = FrameMessage(n + 1, at_ns, 0, WIDTH, HEIGHT, WIDTH, HEIGHT, FrameFlag(0), jpeg)
        queue.client.xadd(queue.keys.frames, message.encode(), id=message.entry_id)


def test_scored_frames_stay_until_a_clip_of_them_can_have_begun(enrolled: Any, run_worker: Run, until: Run) -> None:
    feed(enrolled, range(40))
    with run_worker(enrolled.settings.changed(evidence_pre_roll_s=1.0)):
        until(lambda: enrolled.scored() == 40)
    assert enrolled.client.xlen(enrolled.keys.frames) == (1 + 5) * 5 + 1
