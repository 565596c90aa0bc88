"""What a camera's session keeps is bounded, and what it tells of an event is whole."""

from __future__ import annotations

import numpy as np

from models.event import Event
from models.frame import Frame
from patchwatch.keys import CameraKeys
from patchwatch.messages.alert import AlertRegion
from patchwatch.messages.camera import Camera
from patchwatch.messages.frame import FrameFlag, FrameMessage
from workers.inference.scoring import _alert, _Item, frame_of
from workers.inference.session import Session
from workers.ingest import picture

JPEG = picture.encode(np.zeros((90, 160, 3), np.uint8), 85)


def session() -> Session:
    return Session(Camera(id="door"), CameraKeys.of("door", 2), b"me:1")


def message(seq: int, at_s: float) -> FrameMessage:
    return FrameMessage(seq, int(at_s * 1e9), 0, 160, 90, 320, 180, FrameFlag.LIVE, JPEG)


def test_a_clock_that_was_set_back_does_not_make_the_history_grow() -> None:
    kept = session()
    for n in range(20):
        kept.keep(message(n + 1, 3600 + n / 5))
    for n in range(100):
        kept.keep(message(n + 21, n / 5))
    assert len(kept.recent) <= 9
    assert kept.recent[-1][0] == 120


def test_an_alert_that_opens_after_its_peak_shows_where_that_was() -> None:
    at = message(5, 100.4)
    item = _Item(session(), at, frame_of(at))
    alert, tell, jpeg = _alert(item, Event(100.0, item.frame.at_s, 100.2, 0.9, "motion", (10.0, 20.0, 30.0, 40.0)))
    assert tell
    assert alert.region == AlertRegion(x1=20, y1=40, x2=60, y2=80)
    assert jpeg == JPEG


def test_a_frame_after_the_peak_does_not_replace_its_picture() -> None:
    at = message(9, 101.0)
    item = _Item(session(), at, Frame(picture.decode(JPEG), 101.0))
    _, _, jpeg = _alert(item, Event(100.0, 100.4, 100.2, 0.9, "motion", (10.0, 20.0, 30.0, 40.0)))
    assert jpeg is None
