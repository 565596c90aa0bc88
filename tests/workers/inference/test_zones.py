"""Zones of a live camera: what counts, live as offline and over a restart, and the names that alerts carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from moving_scene import FPS, HEIGHT, WIDTH, scene

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import CameraContext, Frame
from models.frames.scene_cuts import SceneCuts
from models.frames.view import ViewMask
from models.profiles.profile import load_profile
from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.score import Score
from workers.analysis.zone_view import view_of
from workers.media import jpeg_codec

Run = Callable[..., Any]
START_S = 1_800_000_000.0
RUSH = range(50, 65)
FRAMES = 150  # time enough for the alert to close


def zone(name: str, kind: str, left: float, right: float) -> dict[str, Any]:
    return {"name": name, "kind": kind, "points": [(left, 0.0), (right, 0.0), (right, 1.0), (left, 1.0)]}


def scores(queue: Any) -> list[Score]:
    return [Score.decode(fields) for _, fields in queue.client.xrange(queue.keys.scores)]


def alerts(queue: Any) -> list[Alert]:
    return [Alert.decode(fields[b"a"]) for _, fields in queue.client.xrange(keys.ALERTS)]


def offline(bank: Bank, zones: list[dict[str, Any]]) -> list[float]:
    """The same frames through the method alone."""
    camera = Camera.model_validate({"id": "cam", "zones": zones})
    mask = ViewMask(view_of(camera.zones), bank.view)
    engine, scorer, cuts = Engine(load_profile("motion")), FrameScorer(bank), SceneCuts()
    context, found = CameraContext(mask=mask), []
    for n in range(FRAMES):
        rgb = jpeg_codec.decode(jpeg_codec.encode(scene(n / FPS, rush=n in RUSH), 85))
        frame = cuts.mark(Frame(rgb, START_S + n / FPS, n == 0), mask)
        [features] = engine.extract([frame], [context])
        found.append(scorer.score(features, frame.at_s, discontinuity=frame.discontinuity).score)
    return found


@pytest.fixture
def zoned(queue: Any, bank: Bank) -> Callable[..., Any]:
    def add(*zones: dict[str, Any]) -> Any:
        save_bank(bank, queue.settings.bank_path("cam", "motion"))
        queue.add_camera(zones=list(zones))
        return queue

    return add


def test_live_scores_are_those_of_the_method_alone_over_a_restart(
    zoned: Any, bank: Bank, run_worker: Run, until: Run
) -> None:
    zones = [zone("left", "ignore", 0.0, 0.4), zone("right", "zone", 0.5, 1.0), zone("all", "zone", 0.0, 1.0)]
    queue = zoned(*zones)
    for first, last in ((0, 57), (57, FRAMES)):
        with run_worker(queue.settings):
            for n in range(first, last):
                queue.frame(n, rush=n in RUSH)
            until(lambda last=last: queue.scored() == last)
    assert [score.score for score in scores(queue)] == pytest.approx(offline(bank, zones), abs=1e-6)
    for score in scores(queue):
        if score.region is None:
            assert score.zones == ()
            continue
        middle = (score.region.x1 + score.region.x2) / 2 / (2 * WIDTH)
        assert middle >= 0.4, "nothing in the ignored part"
        assert score.zones == (("right", "all") if middle >= 0.5 else ("all",))
    [opened, *_, closed] = alerts(queue)
    assert opened.zones
    assert set(opened.zones) <= {"right", "all"}
    assert (closed.state, closed.id) == (AlertState.CLOSED, opened.id)
    status = AnalysisStatus.decode(queue.client.get(queue.keys.analysis))
    assert "enrol again" in status.detail, "the bank was learnt without zones"


def test_an_alert_in_an_ignored_picture_half_is_none_until_the_zone_is_removed(
    zoned: Any, run_worker: Run, until: Run
) -> None:
    queue = zoned(zone("there", "ignore", 0.0, 0.9))
    with run_worker(queue.settings):
        for n in range(FRAMES):
            queue.frame(n, rush=n in RUSH)
        until(lambda: queue.scored() == FRAMES)
        assert alerts(queue) == []
        queue.add_camera()
        until(lambda: not AnalysisStatus.decode(queue.client.get(queue.keys.analysis)).detail)
        for n in range(FRAMES, 2 * FRAMES):
            queue.frame(n, rush=n - FRAMES in RUSH)
        until(lambda: any(alert.state is AlertState.CLOSED for alert in alerts(queue)))
    assert all(alert.zones == () for alert in alerts(queue))


def test_a_large_black_part_is_no_covered_lens(zoned: Any, run_worker: Run, until: Run) -> None:
    queue = zoned(zone("most", "privacy", 0.0, 0.85))
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    with run_worker(queue.settings):
        for n in range(FRAMES):
            rgb = scene(n / FPS).copy()
            rgb[:, : round(0.85 * WIDTH)] = black[:, : round(0.85 * WIDTH)]
            queue.frame(n, rgb=rgb)
        until(lambda: queue.scored() == FRAMES)
    assert [alert.kind for alert in alerts(queue)] == []


def test_frames_from_before_a_privacy_zone_are_not_scored(zoned: Any, run_worker: Run, until: Run) -> None:
    """Its capture goes on for a moment after the zone was drawn."""
    queue = zoned()
    with run_worker(queue.settings):
        queue.frame(0)
        until(lambda: queue.scored() == 1)
        queue.add_camera(zones=[zone("window", "privacy", 0.0, 0.3)])
        until(lambda: AnalysisStatus.decode(queue.client.get(queue.keys.analysis)).detail)
        queue.hidden, marks = b"", queue.hidden
        for n in range(1, 4):
            queue.frame(n)
        queue.hidden = marks
        queue.frame(4)
        until(lambda: queue.scored() == 2)
    assert queue.counters()["dropped:unmasked"] == 3


def test_an_alert_that_opens_as_a_privacy_zone_is_drawn_has_no_picture(
    zoned: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker has yet to hear of the zone."""
    monkeypatch.setattr("workers.inference.worker.POLL_EVERY_S", 3600.0)
    queue = zoned()
    with run_worker(queue.settings):
        queue.frame(0)
        until(lambda: queue.scored() == 1)
        queue.add_camera(zones=[zone("window", "privacy", 0.0, 0.3)])
        queue.hidden = b""
        for n in range(1, RUSH.stop):
            queue.frame(n, rush=n in RUSH)
        until(lambda: alerts(queue))
    [alert, *_] = alerts(queue)
    assert not queue.client.exists(keys.alert_picture(alert.id), keys.alert_explanation(alert.id))
