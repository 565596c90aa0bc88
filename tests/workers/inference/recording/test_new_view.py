"""The first night of a camera is learnt although it alarms; a burglar in a few places of the picture never is."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
import pytest

from models.alarms.event_detector import EventRule
from models.frames.frame import Frame
from workers.inference.recording import new_view
from workers.inference.recording.camera_recording import AROUND_ALERT_S, Verdict
from workers.inference.recording.new_view import LASTS_S, LEARNT_S, NewView

FPS, NIGHT, BURGLAR = 5, 0.95, 0.04
PICTURE = np.zeros((8, 8, 3), np.uint8)
RULE = EventRule(0.4, 0.3)


@dataclass
class Shown:
    """Stands for a profile. ``departs``: something is in the picture that the view does not usually show."""

    departs: bool = False


@dataclass
class Look:
    """Stands for how the view mostly looks; the real one: tests/models/engine/test_usual_look.py."""

    shown: Shown

    def take(self, *of: Any) -> None: ...

    def departs(self, *of: Any) -> bool:
        return self.shown.departs


@dataclass
class Bank:
    id: str = "day"
    profile: Shown = field(default_factory=Shown)


@dataclass
class Score:
    score: float


@dataclass
class Scorer:
    """``share``: of the places that are over the level."""

    share: float = NIGHT
    bank: Bank = field(default_factory=Bank)
    rule: EventRule = RULE


@pytest.fixture(autouse=True)
def given_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_view, "share_over_level", lambda scorer, features, score: scorer.share)
    monkeypatch.setattr(new_view, "UsualLook", Look)


@dataclass
class Camera:
    """Frames of one camera over its level: ``show`` says how many seconds of them may be learnt."""

    scorer: Any = field(default_factory=Scorer)
    view: NewView = field(default_factory=lambda: NewView("yard"))
    verdict: Verdict = field(default_factory=Verdict)

    def show(
        self, from_s: float, seconds: float, score: float = 0.8, *, rises_s: float = 0.0, event: bool = True,
        wrong: bool = False,
    ) -> float:  # fmt: skip
        learnt = 0
        for n in range(round(seconds * FPS)):
            at_s = from_s + n / FPS
            frame = Frame(PICTURE, at_s, discontinuity=n == 0)
            known: Any = Score(score if n / FPS >= rises_s else 0.1)
            seen = Verdict(known.score, RULE.on, from_s if event else None, at_s if wrong else None)
            verdict = self.verdict = self.view.judged(seen, frame, [], self.scorer, known)
            learnt += verdict.event_since_s is None and verdict.level == inf
        return learnt / FPS


def test_what_lasts_all_over_the_picture_is_learnt_from_the_tenth_minute_on_for_ten_minutes() -> None:
    camera = Camera()
    assert camera.show(0.0, LASTS_S) == 0
    assert camera.show(LASTS_S, 60.0) == pytest.approx(60, abs=0.5)
    assert camera.show(LASTS_S + 60, 3600.0) == pytest.approx(LEARNT_S - 60, abs=1)


def test_what_is_in_a_few_places_is_never_learnt_and_begins_the_count_anew() -> None:
    camera = Camera(Scorer(BURGLAR))
    assert camera.show(0.0, 4 * LASTS_S) == 0
    camera = Camera()
    camera.show(0.0, LASTS_S - 60)
    camera.scorer.share = BURGLAR
    camera.show(LASTS_S - 60, 2.0)
    camera.scorer.share = NIGHT
    assert camera.show(LASTS_S - 58, LASTS_S - 1) == 0


def test_looks_hours_apart_count_as_one_time_though_a_score_takes_a_second_to_rise() -> None:
    camera = Camera()
    assert camera.show(0.0, 6.0, rises_s=1.4) == 0
    assert camera.show(7200.0, 6.0, rises_s=1.4) == pytest.approx(6.0, abs=0.3)
    assert not camera.view.over


def test_five_seconds_under_the_level_or_another_bank_end_it() -> None:
    camera = Camera()
    camera.show(0.0, LASTS_S + 10)
    assert camera.show(LASTS_S + 10, 6.0, score=0.1) <= 5.0
    assert [camera.view.over] == [False], "its event is open still"
    camera.show(LASTS_S + 16, 0.2, score=0.1, event=False)
    assert camera.view.over
    camera = Camera()
    camera.show(0.0, LASTS_S + 10)
    camera.scorer.bank = Bank("day and night")
    assert camera.show(LASTS_S + 10, 1.0) == 0
    camera.show(LASTS_S + 11, 0.2, event=False)
    assert camera.view.over


def test_what_a_condition_of_the_picture_excludes_stays_excluded() -> None:
    camera: Camera = Camera()
    camera.show(0.0, LASTS_S)
    score: Any = Score(0.8)
    frame = Frame(PICTURE, LASTS_S + 1)
    verdict = camera.view.judged(Verdict(0.8, 0.4, 0.0, LASTS_S - 5), frame, [], camera.scorer, score)
    assert (verdict.event_since_s, verdict.condition_since_s) == (None, LASTS_S - 5)


def test_an_event_that_outlasts_it_excludes_nothing_of_what_was_learnt() -> None:
    camera = Camera()
    camera.show(0.0, LASTS_S + 10)
    camera.scorer.bank = Bank("day and night")
    score: Any = Score(0.8)
    verdict = camera.view.judged(Verdict(0.8, 0.4, 3.0), Frame(PICTURE, LASTS_S + 10), [], camera.scorer, score)
    assert verdict.event_since_s is not None
    assert verdict.event_since_s - AROUND_ALERT_S >= LASTS_S + 9.8


def test_what_departs_from_the_usual_look_of_the_view_is_not_learnt_with_it() -> None:
    camera = Camera()
    camera.show(0.0, LASTS_S + 10)
    camera.scorer.bank.profile.departs = True
    assert camera.show(LASTS_S + 10, 12.0) == 0
    assert camera.verdict.event_since_s == pytest.approx(LASTS_S + 21.8), "so that what led there is excluded too"
    camera.scorer.bank.profile.departs = False
    assert camera.show(LASTS_S + 22, 60.0) == pytest.approx(60.0)


def test_of_what_comes_into_a_few_places_what_led_there_is_excluded_too() -> None:
    camera = Camera()
    camera.show(0.0, LASTS_S + 10)
    camera.scorer.share = BURGLAR
    camera.show(LASTS_S + 10, 1.0)
    assert camera.verdict.event_since_s is not None
    assert camera.verdict.event_since_s - AROUND_ALERT_S < LASTS_S + 10 - 4.0


def test_a_picture_in_transition_says_nothing_of_few_places() -> None:
    camera = Camera()
    camera.show(0.0, 6.0)
    camera.scorer.share = BURGLAR
    camera.show(7200.0, 3.0, wrong=True)
    camera.scorer.share = NIGHT
    assert camera.show(7203.0, 6.0) == pytest.approx(6.0)
