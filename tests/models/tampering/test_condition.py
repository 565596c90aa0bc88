"""Short breaks neither open nor close a condition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tampering.condition import BLIND_AFTER_S, Blindness, Condition, ConditionKind, Hysteresis


def play(answers: str, episode: Hysteresis) -> list[Condition]:
    """One second a letter: x holds, . does not."""
    return [change for n, letter in enumerate(answers) for change in episode.update(float(n), letter == "x")]


def episode() -> Hysteresis:
    return Hysteresis(ConditionKind.COVERED, 3.0, 2.0)


def test_it_opens_only_when_it_held_without_a_break() -> None:
    assert play("xxx.xxx.xxx", episode()) == []
    assert play(".xxxx", episode()) == [Condition(ConditionKind.COVERED, 1.0, 4.0)]


def test_it_closes_at_the_first_of_the_free_frames() -> None:
    [_, closed] = play("xxxx.xx...", episode())
    assert (closed.started_s, closed.ended_s) == (0.0, 7.0)


@given(answers=st.text("x.", max_size=60))
def test_it_opens_and_closes_in_turn(answers: str) -> None:
    changes = play(answers, episode())
    assert [change.ended_s is not None for change in changes] == [n % 2 == 1 for n in range(len(changes))]
    assert all(change.opened_s - change.started_s == 3.0 for change in changes)


@given(answers=st.text("x.", max_size=40), cut=st.integers(0, 40))
def test_a_restart_changes_nothing(answers: str, cut: int) -> None:
    whole, first, second = episode(), episode(), episode()
    expected = play(answers, whole)
    actual = play(answers[:cut], first)
    second.restore(first.state())
    for n in range(cut, len(answers)):
        actual += second.update(float(n), answers[n] == "x")
    assert actual == expected


def followed(blindness: Blindness, frames: Iterable[tuple[float, bool]]) -> list[tuple[str, bool, float]]:
    changes = [change for at_s, silent in frames for change in blindness.observe(at_s, silent=silent)]
    return [(change.kind.value, change.ended_s is not None, change.started_s) for change in changes]


@pytest.mark.parametrize("interval_s", [2.0, 5.0, 60.0])
def test_pictures_too_far_apart_are_reported_with_what_to_do(interval_s: float) -> None:
    blindness = Blindness()
    result = followed(blindness, ((n * interval_s, True) for n in range(round(max(60, 4 * interval_s) / interval_s))))
    assert [part[:2] for part in result] == [("blind", False)]
    assert f"{interval_s:.1f} s apart" in blindness.detail
    assert "frame rate" in blindness.detail


def test_half_of_the_frames_silent_is_blind_and_it_ends_when_they_speak() -> None:
    blindness = Blindness()
    result = followed(blindness, ((n / 1.0, n < 90 and n % 2 == 0) for n in range(180)))
    assert [part[:2] for part in result] == [("blind", False), ("blind", True)]


def test_first_frames_cuts_and_dropped_frames_are_not_blind() -> None:
    assert followed(Blindness(), ((n / 5, n % 25 == 0) for n in range(600))) == []


def test_a_pause_does_not_count() -> None:
    frames = [(n / 5, False) for n in range(50)] + [(40.0 + n / 5, n == 0) for n in range(50)]
    assert followed(Blindness(), frames) == []


def test_a_restart_after_any_frame_changes_nothing() -> None:
    frames = [(n * 2.0, True) for n in range(30)] + [(60 + n / 5, False) for n in range(200)]
    expected, blindness, actual = followed(Blindness(), frames), Blindness(), []
    for frame in frames:
        stored = json.loads(json.dumps(blindness.state()))
        blindness = Blindness()
        blindness.restore(stored)
        actual += followed(blindness, [frame])
    assert actual == expected
    assert len(actual) == 2


def test_it_does_not_open_before_its_time() -> None:
    blindness = Blindness()
    assert followed(blindness, ((n * 2.0, True) for n in range(round(BLIND_AFTER_S / 2)))) == []


def _cut_every(view_s: float, silent_s: float, fps: float = 5.0) -> Blindness:
    """After two minutes of views so long, of each of which the first part is silent."""
    blindness, view, silent = Blindness(), round(view_s * fps), round(silent_s * fps)
    for n in range(round(120 * fps)):
        blindness.observe(n / fps, silent=n % view < silent, jumped=n % view == 0)
    return blindness


@pytest.mark.parametrize("view_s", [1.4, 2.0, 2.4])
def test_views_too_short_for_places_are_named_with_their_length_and_what_to_do(view_s: float) -> None:
    detail = _cut_every(view_s, 1.0).detail
    found = re.search(r"how places look cannot be judged in \d+% of the pictures.* about every ([0-9.]+) s", detail)
    assert found is not None
    assert float(found[1]) == pytest.approx(view_s, rel=0.15)
    assert "stay longer on each view" in detail
    assert "`patchwatch cameras update CAMERA --mute place`" in detail


def test_how_often_it_jumps_survives_a_restart() -> None:
    blindness, restarted = _cut_every(2.0, 1.0), Blindness()
    restarted.restore(json.loads(json.dumps(blindness.state())))
    assert restarted.detail == blindness.detail
    blindness.finish()
    assert "jumps" not in blindness.detail


def test_where_movement_is_not_seen_either_muting_places_is_no_remedy() -> None:
    detail = _cut_every(0.4, 0.4).detail
    assert detail.startswith("nothing can be seen to move in")
    assert "about every 0.4 s" in detail
    assert "mute" not in detail


def test_pictures_that_come_at_odd_times_do_not_jump() -> None:
    assert "jumps" not in _cut_every(60.0, 40.0).detail


@pytest.mark.parametrize(
    "wrong", [{"silent": 2.0}, {"silent": float("nan")}, {"interval_s": -1.0}, {"jumps_per_s": float("inf")}]
)
def test_a_stored_state_that_no_frames_lead_to_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="out of bounds"):
        Blindness().restore(Blindness().state() | wrong)


def test_a_machine_that_drops_pictures_is_blamed_and_not_the_camera() -> None:
    blindness, opened = Blindness(), []
    for n in range(40):
        opened += blindness.observe(2.0 * n, silent=True, missed=True)
    assert [change.kind for change in opened] == [ConditionKind.BLIND]
    assert "this machine cannot keep up" in blindness.detail
    assert "camera's" not in blindness.detail
    assert "one every 2.0 s" in blindness.detail
    again = Blindness()
    again.restore(json.loads(json.dumps(blindness.state())))
    assert again.detail == blindness.detail
    for n in range(40, 60):
        blindness.observe(2.0 * n, silent=True)
    assert "raise the camera's frame rate" in blindness.detail, "it keeps up again, and the pictures are as seldom"
