"""The state of a camera is bounded, is restored from what was stored, and follows the banks of the camera."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from static_view import FPS, Picture, blurred, moved, shots, view

from models.alarms.event_detector import Event
from models.banks.bank import Bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.exemplars.provenance import thumbnail
from models.frames.frame import HISTORY_S, Features, Frame
from models.profiles.profile import load_profile
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.alerts.alert import AlertKind, AlertState
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from patchwatch.messages.frames.score import Region
from workers.inference.camera_state import CameraState
from workers.inference.commit import resume, state_to_store
from workers.inference.scoring import ScoredFrame, alert_update
from workers.media import jpeg_codec

JPEG = jpeg_codec.encode(np.zeros((90, 160, 3), np.uint8), 85)


def door() -> CameraState:
    return CameraState(Camera(id="door"), CameraKeys.for_camera("door", 2), b"me:1")


def message(seq: int, at_s: float) -> FrameMessage:
    return FrameMessage(seq, int(at_s * 1e9), 0, 160, 90, 320, 180, FrameFlag.LIVE, JPEG)


def test_a_clock_that_was_set_back_does_not_make_the_history_grow() -> None:
    kept = door()
    for n in range(20):
        kept.keep_frame(n + 1, int((3600 + n / 5) * 1e9))
    for n in range(100):
        kept.keep_frame(n + 21, int(n / 5 * 1e9))
    assert len(kept.recent) <= HISTORY_S * 5 + 1
    assert kept.recent[-1][0] == 120


def scored(seq: int, at_s: float, bank: Bank) -> ScoredFrame:
    """A frame of which no stream has anything to say."""
    at, nothing = message(seq, at_s), [Features.none(8)]
    frame = Frame(jpeg_codec.decode(JPEG), at_s)
    score = FrameScorer(bank).score(nothing, at_s)
    return ScoredFrame(door(), at, frame, int(at_s * 1e9), bank=bank, features=nothing, score=score)


def test_an_alert_that_opens_after_its_peak_shows_where_that_was(bank: Bank) -> None:
    change = alert_update(scored(5, 100.4, bank), Event(100.0, 100.4, 100.2, 0.9, "motion", (10.0, 20.0, 30.0, 40.0)))
    assert change.announce
    assert change.alert.region == Region(x1=20, y1=40, x2=60, y2=80)
    assert change.picture == JPEG
    assert change.explanation is not None
    assert (change.explanation.seq, change.explanation.at_ms) == (5, 100_400)


def test_a_frame_after_the_peak_replaces_neither_picture_nor_explanation(bank: Bank) -> None:
    change = alert_update(scored(9, 101.0, bank), Event(100.0, 100.4, 100.2, 0.9, "motion", (10.0, 20.0, 30.0, 40.0)))
    assert (change.picture, change.explanation) == (None, None)


@pytest.mark.parametrize(
    "damage",
    [
        {"last_score_ms": 10**30}, {"minute": [-60_000, 1, 0.5, 0.5]}, {"minute": ["now", 1, 0.5, 0.5]},
        {"told_peak": float("nan")}, {"recent": [[-5, 0]]}, {"recent": None}, {"alert": {"id": 1}}, {"analyzer": []},
        {"view_began_s": 1e300},
    ],
)  # fmt: skip
def test_a_stored_state_that_would_fail_the_next_commit_is_left_out(damage: dict[str, object]) -> None:
    before = door()
    state = {b"seq": b"7", b"worker": json.dumps(state_to_store(before) | damage).encode()}
    result = resume(before.camera, before.keys, b"me:1", state, {b"scored": b"3", b"dropped:\xff": b"x"})
    assert (result.position, result.counters["scored"]) == (7, 3)
    assert state_to_store(result) == state_to_store(before)


def test_when_a_view_began_is_known_after_a_restart_and_with_another_bank(bank: Bank) -> None:
    before = door()
    assert "view_began_s" not in state_to_store(before), "where it was never asked for"
    before.bank.context.begin_view(1_795_857_285.25)
    state = {b"seq": b"7", b"worker": json.dumps(state_to_store(before)).encode()}
    after = resume(before.camera, before.keys, b"me:1", state, {})
    after.bank._false_alarms_per_day = 4.0
    after.bank.use(Engine(load_profile("motion")), bank)
    assert after.bank.context.view_began_s == 1_795_857_285.25


def ready() -> CameraState:
    kept = door()
    kept.bank._false_alarms_per_day = 4.0
    return kept


def alerts_over(kept: CameraState, pictures: list[Picture], start_s: float = 0.0) -> list[tuple[AlertKind, AlertState]]:
    looks = (
        kept.conditions.observe_frame(kept.camera, Frame(rgb, start_s + n / FPS)) for n, rgb in enumerate(pictures)
    )
    return [(one.kind, one.state) for _, alerts in looks for one in alerts]


def restarted(kept: CameraState) -> CameraState:
    """A worker that was stopped goes on from what this one committed last."""
    state = {b"seq": b"200", b"worker": json.dumps(state_to_store(kept)).encode()}
    again = resume(kept.camera, kept.keys, b"me:2", state, {})
    again.bank._false_alarms_per_day = 4.0
    return again


def relearnt_from(bank: Bank) -> Bank:
    return replace(bank, created_at="2026-11-28T08:00:00+00:00")


def without_a_bank(kept: CameraState) -> CameraState:
    kept.bank.reject(NotFoundError("no bank"))
    return kept


def with_another_profile(kept: CameraState) -> CameraState:
    kept.reconfigure(Camera(id="door", profile="objects"))
    return kept


BETWEEN: dict[str, Callable[[CameraState], CameraState]] = {
    "running": lambda kept: kept,
    "stopped": restarted,
    "without a bank": without_a_bank,
    "with another profile": with_another_profile,
}


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("relearnt", [True, False])
def test_a_bank_of_another_view_ends_what_was_wrong_with_the_view_before(
    bank: Bank, relearnt: bool, between: str
) -> None:
    """However the bank came to be another one: while the worker ran, or was stopped, or had none for a while."""
    kept, engine = ready(), Engine(load_profile("motion"))
    kept.bank.use(engine, bank)
    blank = blurred(view())
    opened = alerts_over(kept, shots(view(), 30) + shots(blank, 10, first=500))
    assert opened == [(AlertKind.COVERED, AlertState.OPEN)]
    kept = BETWEEN[between](kept)
    kept.bank.use(engine, relearnt_from(bank) if relearnt else bank)
    after = alerts_over(kept, shots(blank, 10, first=900), 40.0)
    assert after == [(AlertKind.COVERED, AlertState.CLOSED)] * relearnt


def test_a_first_bank_ends_what_was_wrong_before_it(bank: Bank) -> None:
    kept = ready()
    blank = blurred(view())
    assert alerts_over(kept, shots(view(), 30) + shots(blank, 10, first=500)) == [(AlertKind.COVERED, AlertState.OPEN)]
    kept = restarted(kept)
    kept.bank.use(Engine(load_profile("motion")), bank)
    assert alerts_over(kept, shots(blank, 10, first=900), 40.0) == [(AlertKind.COVERED, AlertState.CLOSED)]


def test_a_state_of_before_banks_were_named_in_it_goes_on(bank: Bank) -> None:
    kept = ready()
    kept.bank.use(Engine(load_profile("motion")), bank)
    alerts_over(kept, shots(view(), 30) + shots(blurred(view()), 10, first=500))
    state = state_to_store(kept)
    del state["conditions"]["bank"]
    kept = resume(kept.camera, kept.keys, b"me:2", {b"seq": b"200", b"worker": json.dumps(state).encode()}, {})
    kept.bank._false_alarms_per_day = 4.0
    kept.bank.use(Engine(load_profile("motion")), bank)
    assert alerts_over(kept, shots(blurred(view()), 10, first=900), 40.0) == []


@pytest.mark.parametrize("gone", ["without a bank", "with another profile"])
def test_a_bank_that_is_gone_is_no_longer_what_the_camera_should_show(bank: Bank, gone: str) -> None:
    kept = ready()
    pictures = tuple(thumbnail(view()) for _ in bank.moments.thumbnails)
    kept.bank.use(Engine(load_profile("motion")), replace(bank, moments=replace(bank.moments, thumbnails=pictures)))
    turned = moved(view())
    assert alerts_over(kept, shots(turned, 8)) == [(AlertKind.SCENE_CHANGED, AlertState.OPEN)]
    BETWEEN[gone](kept)
    assert alerts_over(kept, shots(turned, 8, first=500), 8.0) == [(AlertKind.SCENE_CHANGED, AlertState.CLOSED)]


def test_a_condition_is_reported_as_long_as_it_was_though_the_clock_was_set_meanwhile() -> None:
    kept = ready()
    closed = []
    for n, rgb in enumerate(shots(view(), 30) + shots(blurred(view()), 10, first=500) + shots(view(), 5, first=900)):
        if n == 35 * FPS:
            kept.camera_time.eras.begin(35_000, -400 * 86_400_000)
        closed += [one for one in kept.conditions.observe_frame(kept.camera, Frame(rgb, n / FPS))[1] if one.ended_at_ms]
    [alert] = closed
    assert alert.kind is AlertKind.COVERED
    assert alert.ended_at_ms == pytest.approx(40_000, abs=500)
