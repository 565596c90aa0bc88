"""Clock: capture times that jump. The frames are queued as a capture would whose host's clock was set."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fault import Fault
from moving_scene import HEIGHT, WIDTH, scene
from waiting import wait_until

from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.media import jpeg_codec

NAME = "visitor"
HOUR_S = 3600.0
DAY_S = 86_400.0


class Visitor:
    """A camera whose frames we queue ourselves."""

    def __init__(self, site: Any) -> None:
        self._site = site.installation
        self._seq = 0

    def show(self, count: int, offset_s: float) -> None:
        """Frames five times a second, by a clock that is ``offset_s`` ahead; returns once they are decided on."""
        for _ in range(count):
            self._seq += 1
            at_ns = time.time_ns() + round(offset_s * 1e9)
            jpeg = jpeg_codec.encode(scene(self._seq / 5), 85)
            frame = FrameMessage(self._seq, at_ns, 0, WIDTH, HEIGHT, WIDTH, HEIGHT, FrameFlag.LIVE, jpeg)
            self._site.redis.client.xadd(self._site.keys(NAME).frames, frame.encode(), id=frame.entry_id)
            time.sleep(0.2)
        wait_until(lambda: self.frames()["in_queue"] == 0)

    def frames(self) -> Any:
        return self._site.status(NAME)["frames"]


@pytest.fixture
def visitor(site: Any) -> Iterator[Visitor]:
    banks = site.installation.settings.banks_dir
    shutil.copytree(banks / "gate", banks / NAME, dirs_exist_ok=True)
    site.installation.add_camera(NAME, "push:")
    wait_until(lambda: (site.installation.status(NAME)["analysis"] or {}).get("state") == "scoring")
    yield Visitor(site)
    site.installation.delete(f"/cameras/{NAME}")
    shutil.rmtree(banks / NAME)


@pytest.mark.parametrize(
    ("name", "offset_s"),
    [
        pytest.param("45 s ahead", 45.0, marks=pytest.mark.long),
        pytest.param("45 s behind", -45.0),
        pytest.param("an hour ahead", HOUR_S, marks=pytest.mark.long),
        pytest.param("an hour behind", -HOUR_S, marks=pytest.mark.long),
        pytest.param("400 days ahead", 400 * DAY_S),
        pytest.param("400 days behind", -400 * DAY_S, marks=pytest.mark.long),
    ],
)
def test_the_clock_of_a_capture_is_wrong_and_is_set_right(
    site: Any, visitor: Visitor, fault: Fault, name: str, offset_s: float
) -> None:
    """No frame is lost, none of before is trimmed, and what comes afterwards is found by the clock that is right."""
    visitor.show(5, 0.0)
    visitor.show(5, offset_s)
    set_s = time.time()
    visitor.show(5, 0.0)
    assert (visitor.frames()["scored"], visitor.frames()["dropped"]) == (15, {})
    all_scores = site.installation.scores(NAME, to="2100-01-01T00:00:00Z")
    assert [one["seq"] for one in all_scores] == list(range(1, 16))
    last_hour = [one["seq"] for one in site.installation.get(f"/cameras/{NAME}/scores", limit=10_000)["points"]]
    assert last_hour[:5] == list(range(1, 6))
    assert last_hour[-5:] == list(range(11, 16))
    fault.enter(f"{name}: 15 of 15 frames are scored and found", time.time() - set_s)
