"""What a camera's session keeps is bounded, and what it tells of an event is whole."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from static_view import blurred, shots, view

from models.alarms.event_detector import Event
from models.banks.bank import Bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.frames.camera_context import HISTORY_S
from models.frames.features import Features
from models.frames.frame import Frame
from models.profiles.profile import load_profile
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.alert import AlertKind, AlertRegion, AlertState
from patchwatch.messages.camera import Camera
from patchwatch.messages.frame import FrameFlag, FrameMessage
from workers.inference.camera_state import CameraState
from workers.inference.scoring import _alert, _Item, _Scored
from workers.media import jpeg_codec

JPEG = jpeg_codec.encode(np.zeros((90, 160, 3), np.uint8), 85)


def session() -> CameraState:
    return CameraState(Camera(id="door"), CameraKeys.of("door", 2), b"me:1")


def message(seq: int, at_s: float) -> FrameMessage:
    return FrameMessage(seq, int(at_s * 1e9), 0, 160, 90, 320, 180, FrameFlag.LIVE, JPEG)


def test_a_clock_that_was_set_back_does_not_make_the_history_grow() -> None:
    kept = session()
    for n in range(20):
        kept.keep(n + 1, int((3600 + n / 5) * 1e9))
    for n in range(100):
        kept.keep(n + 21, int(n / 5 * 1e9))
    assert len(kept.recent) <= HISTORY_S * 5 + 1
    assert kept.recent[-1][0] == 120


def scored(seq: int, at_s: float, bank: Bank) -> _Scored:
    """A frame of which no stream has anything to say."""
    at, nothing = message(seq, at_s), [Features.none(8)]
    frame = Frame(jpeg_codec.decode(JPEG), at_s)
    return _Scored(_Item(session(), at, frame, int(at_s * 1e9)), bank, nothing, FrameScorer(bank).read(nothing, at_s))


def test_an_alert_that_opens_after_its_peak_shows_where_that_was(bank: Bank) -> None:
    change = _alert(scored(5, 100.4, bank), Event(100.0, 100.4, 100.2, 0.9, "motion", (10.0, 20.0, 30.0, 40.0)))
    assert change.tell
    assert change.alert.region == AlertRegion(x1=20, y1=40, x2=60, y2=80)
    assert change.picture == JPEG
    assert change.explanation is not None
    assert (change.explanation.seq, change.explanation.at_ms) == (5, 100_400)


def test_a_frame_after_the_peak_replaces_neither_picture_nor_explanation(bank: Bank) -> None:
    change = _alert(scored(9, 101.0, bank), Event(100.0, 100.4, 100.2, 0.9, "motion", (10.0, 20.0, 30.0, 40.0)))
    assert (change.picture, change.explanation) == (None, None)


@pytest.mark.parametrize(
    "damage",
    [
        {"last_score_ms": 10**30}, {"minute": [-60_000, 1, 0.5, 0.5]}, {"minute": ["now", 1, 0.5, 0.5]},
        {"told_peak": float("nan")}, {"recent": [[-5, 0]]}, {"recent": None}, {"alert": {"id": 1}}, {"analyzer": []},
    ],
)  # fmt: skip
def test_a_stored_state_that_would_fail_the_next_commit_is_left_out(damage: dict[str, object]) -> None:
    before = session()
    state = {b"seq": b"7", b"worker": json.dumps(before.worker_state() | damage).encode()}
    found = CameraState.resume(before.camera, before.keys, b"me:1", state, {b"scored": b"3", b"dropped:\xff": b"x"})
    assert (found.position, found.counters["scored"]) == (7, 3)
    assert found.worker_state() == before.worker_state()


@pytest.mark.parametrize("relearnt", [True, False])
def test_a_bank_of_another_view_ends_what_was_wrong_with_the_view_before(bank: Bank, relearnt: bool) -> None:
    kept, engine = session(), Engine(load_profile("motion"))
    kept._false_alarms_per_day = 4.0
    kept._use(engine, bank)
    blank = blurred(view())
    pictures = shots(view(), 30) + shots(blank, 10, first=500)
    told = [one for n, rgb in enumerate(pictures) for one in kept.conditions.look(kept.camera, Frame(rgb, n / 5))[1]]
    assert [(one.kind, one.state) for one in told] == [(AlertKind.COVERED, AlertState.OPEN)]
    kept._use(engine, replace(bank, created_at="2026-11-28T08:00:00+00:00") if relearnt else bank)
    after = shots(blank, 10, first=900)
    told = [one for n, rgb in enumerate(after) for one in kept.conditions.look(kept.camera, Frame(rgb, 40 + n / 5))[1]]
    assert [(one.kind, one.state) for one in told] == [(AlertKind.COVERED, AlertState.CLOSED)] * relearnt
