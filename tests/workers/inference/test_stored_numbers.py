"""A number of a stored state that no frames lead to is refused, or what comes of it can still be published and read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from moving_scene import FPS, HEIGHT, WIDTH, scene

from models.banks.bank import Bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import CameraContext, Frame
from models.frames.stored_numbers import LATEST_S, UNREADABLE, stored_share, stored_time
from models.profiles.profile import load_profile
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.cameras.camera import Camera
from workers.inference.alerts import ConditionAlerts
from workers.inference.camera_state import CameraState
from workers.inference.commit import StoredState
from workers.inference.offline_detector import CaptureObservation

CAMERA = Camera(id="cam", source="rtsp://camera.example/1")
START_S = 1_800_000_000.0
ODD: list[Any] = [float("nan"), float("inf"), -float("inf"), -1.0, 1.5, 5.8e17, 1e308, 2**63, 10**400, None, "", [], {}]


def damaged(state: Any) -> Iterator[Any]:
    """The state with each of its numbers (of each list, the first) replaced by odd values, as JSON brings it back."""
    for path in list(places(state, ())):
        for odd in ODD:
            copy = deepcopy(state)
            holder = copy
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = odd
            yield json.loads(json.dumps(copy))


def places(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict):
        for name, child in node.items():
            yield from places(child, (*path, name))
    elif isinstance(node, list):
        many = len(node) > 8
        for number, child in enumerate(node[:1] if many else node):
            yield from places(child, (*path, number))
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield path


def test_the_score_stays_one_and_its_alerts_can_be_read(bank: Bank) -> None:
    engine, view = Engine(load_profile("motion")), CameraContext()
    frames = [Frame(scene(n / FPS, rush=n > 5), START_S + n / FPS) for n in range(20)]
    features = engine.extract(frames, [view] * len(frames))
    scorer = FrameScorer(bank)
    for frame, part in zip(frames[:-1], features[:-1], strict=True):
        scorer.score(part, frame.at_s)
    assert scorer.open_event is not None
    gone_on = 0
    for state in damaged(scorer.state()):
        other = FrameScorer(bank)
        try:
            other.restore(state)
        except UNREADABLE:
            continue
        gone_on += 1
        score = other.score(features[-1], frames[-1].at_s)
        assert 0.0 <= score.score <= 1.0
        camera = CameraState(CAMERA, CameraKeys.for_camera("cam", 2), b"me:1")
        camera.bank.scorer = other
        for event in [*score.changes, *other.finish()]:
            alert, _ = camera.update_alert(event, None)
            assert Alert.decode(alert.encode()) == alert
    assert gone_on > 0


def test_alerts_of_damaged_conditions_can_be_read() -> None:
    conditions, black = ConditionAlerts(), np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for n in range(40):
        picture = scene(n / FPS) if n < 5 else black
        conditions.observe_frame(CAMERA, Frame(picture, START_S + n))
        conditions.observe_score(CAMERA, Frame(picture, START_S + n), True)
    for n in range(20):
        conditions.observe_capture(CAMERA, CaptureObservation(None, float(n), round(START_S * 1000) + n * 1000), 5.0)
    conditions.observe_frame(CAMERA, Frame(black, START_S + 41))
    assert AlertKind.OFFLINE in conditions.alerts
    state = json.loads(json.dumps(conditions.state()))
    alerts = state.pop("alerts")  # a message, which is checked as one
    for stored in damaged(state):
        other = ConditionAlerts()
        try:
            other.restore({**stored, "alerts": alerts})
        except UNREADABLE:
            continue
        _, changed = other.observe_frame(CAMERA, Frame(black, START_S + 42))
        changed += other.observe_score(CAMERA, Frame(black, START_S + 42), True)
        for alert in changed + other.finish(round(START_S * 1000) + 43_000):
            assert Alert.decode(alert.encode()) == alert


def test_a_minute_whose_mean_is_no_score_is_refused() -> None:
    known: dict[str, Any] = {"analyzer": None, "last_score_ms": 1, "alert": None, "told_peak": 0.0, "recent": []}
    assert StoredState.model_validate({**known, "minute": [60_000, 2, 1.5, 0.9]}).minute is not None
    with pytest.raises(ValueError, match="together"):
        StoredState.model_validate({**known, "minute": [60_000, 2, 2.5, 0.9]})


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e12])
def test_what_is_no_time_or_share_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="a stored time"):
        stored_time(value)
    with pytest.raises(ValueError, match="a stored share"):
        stored_share(value)


def test_the_bounds_themselves_are_taken() -> None:
    assert (stored_time(LATEST_S), stored_share(1), stored_time(0)) == (LATEST_S, 1.0, 0.0)
