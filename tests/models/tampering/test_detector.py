"""A frozen, covered or changed picture differs from an ordinary one, opens once, closes once, survives a restart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from static_view import FPS, black, blurred, infrared, moved, noisy, shots, view, watched

from models.alarms.event_detector import AlertGate
from models.exemplars.provenance import thumbnail
from models.frames.frame import Frame
from models.tampering.condition import Condition, ConditionKind
from models.tampering.detector import FROZEN_AFTER_S, FROZEN_UNRENEWED_S, LEARNT_AFTER_S, TamperingDetector
from models.tampering.expectation import Expectation
from workers.media import jpeg_codec

VIEW = view()


def kinds(changes: list[Condition]) -> list[tuple[str, bool]]:
    """(kind, whether it is over) of each change."""
    return [(change.kind.value, change.ended_s is not None) for change in changes]


def test_an_ordinary_view_is_no_condition() -> None:
    changes, attention = watched(TamperingDetector(), shots(VIEW, 90))
    assert changes == []
    assert set(attention[FPS:]) == {AlertGate.OPEN}


def test_a_frozen_picture_opens_after_a_minute_and_closes_with_fresh_ones() -> None:
    pictures = shots(VIEW, 20) + [noisy(VIEW, 0)] * (70 * FPS) + shots(VIEW, 10, first=500)
    changes, attention = watched(TamperingDetector(), pictures)
    assert kinds(changes) == [("frozen", False), ("frozen", True)]
    [opened, closed] = changes
    assert opened.opened_s - opened.started_s == pytest.approx(FROZEN_AFTER_S)
    assert closed.ended_s == pytest.approx(90.0, abs=0.3)
    assert attention[-1] is AlertGate.OPEN


def test_pictures_repeated_between_the_key_frames_of_a_still_scene_are_not_frozen() -> None:
    pictures = [noisy(VIEW, n // (25 * FPS)) for n in range(200 * FPS)]  # a new picture every 25 s only
    assert watched(TamperingDetector(), pictures)[0] == []


def test_a_frozen_picture_that_is_encoded_again_with_each_key_frame_is_frozen() -> None:
    versions = [noisy(VIEW, n, sigma=0.5) for n in range(5)]
    pictures = [versions[n % 10 // 2] for n in range(70 * FPS)]
    assert kinds(watched(TamperingDetector(), pictures)[0]) == [("frozen", False)]


KEY_S = 90  # between key frames, as of encoders that save


def between_key_frames(n: int) -> bool:
    return n % (KEY_S * FPS) != 0


def test_a_still_scene_that_changes_with_key_frames_alone_is_not_frozen_however_rare_they_are() -> None:
    pictures = [noisy(VIEW, n // (KEY_S * FPS)) for n in range(4 * KEY_S * FPS)]
    assert watched(TamperingDetector(), pictures, predicted=between_key_frames)[0] == []


def test_a_picture_that_a_rare_key_frame_repeats_is_frozen() -> None:
    watch, still = TamperingDetector(), noisy(VIEW, 0)
    pictures = shots(VIEW, 20) + [still] * ((KEY_S + 10) * FPS)
    changes, _ = watched(watch, pictures, predicted=between_key_frames)
    assert kinds(changes) == [("frozen", False)]
    assert changes[0].started_s == pytest.approx(20.2)
    assert changes[0].opened_s == KEY_S
    assert watch.detail_of(ConditionKind.FROZEN) == ""


def test_a_key_frame_counts_for_the_picture_that_it_repeats_alone() -> None:
    pictures = [noisy(VIEW, 0)] * (20 * FPS) + [noisy(VIEW, 1)] * (80 * FPS)
    assert watched(TamperingDetector(), pictures, predicted=lambda n: n != 10 * FPS)[0] == []


def test_without_key_frames_a_picture_is_frozen_later_and_what_is_not_known_is_said() -> None:
    watch, still = TamperingDetector(), noisy(VIEW, 0)
    pictures = [still] * (round(FROZEN_UNRENEWED_S + 10) * FPS)
    changes, _ = watched(watch, pictures, predicted=lambda n: n > 0)
    assert kinds(changes) == [("frozen", False)]
    assert changes[0].opened_s - changes[0].started_s == pytest.approx(FROZEN_UNRENEWED_S)
    assert "no key frame" in watch.detail_of(ConditionKind.FROZEN)


def test_a_restart_forgets_no_key_frame() -> None:
    watch, still = TamperingDetector(), [noisy(VIEW, 0)] * (40 * FPS)
    assert watched(watch, still, predicted=lambda n: n != 10 * FPS)[0] == []
    restored = TamperingDetector()
    restored.restore(json.loads(json.dumps(watch.state())))
    assert kinds(watched(restored, still, start_s=40.0, predicted=lambda n: True)[0]) == [("frozen", False)]
    earlier = watch.state()
    del earlier["renewed"]  # as an earlier version wrote it
    restored.restore(earlier)
    assert watched(restored, still, start_s=40.0, predicted=lambda n: True)[0] == []


@pytest.mark.parametrize("lens", [black(), blurred(VIEW)], ids=["black", "blurred"])
def test_a_covered_lens_opens_within_seconds_and_closes_when_it_is_free(lens: np.ndarray) -> None:
    pictures = shots(VIEW, 30) + shots(lens, 10, first=500) + shots(VIEW, 20, first=900)
    changes, attention = watched(TamperingDetector(), pictures)
    assert kinds(changes) == [("covered", False), ("covered", True)]
    assert 30.0 <= changes[0].started_s < changes[0].opened_s <= 33.0
    assert changes[1].ended_s == pytest.approx(40.0, abs=0.5)
    assert attention[30 * FPS] is AlertGate.HOLD, "from the first covered frame on"
    assert attention[41 * FPS] is AlertGate.SUPPRESS
    assert attention[43 * FPS] is AlertGate.HOLD, "and a little longer"
    assert attention[-1] is AlertGate.OPEN


def test_what_moves_before_a_covered_lens_ends_nothing() -> None:
    lens, hand = blurred(VIEW), view(seed=9)
    pictures = shots(VIEW, 30)
    for n in range(4):
        pictures += shots(lens, 10, first=500 + 200 * n) + shots(hand, 3, first=600 + 200 * n)
    changes, _ = watched(TamperingDetector(), pictures + shots(VIEW, 20, first=2000))
    assert kinds(changes) == [("covered", False), ("covered", True)]
    assert changes[1].ended_s == pytest.approx(82.0, abs=0.5)


def test_a_lens_that_is_black_from_the_start_is_covered() -> None:
    assert kinds(watched(TamperingDetector(), shots(black(), 5))[0]) == [("covered", False)]


def test_darkness_that_leaves_the_scene_visible_is_not_covered() -> None:
    night = (VIEW * 0.12).astype(np.uint8)
    assert watched(TamperingDetector(), shots(VIEW, 30) + shots(night, 60, first=500, sigma=1.0))[0] == []


@pytest.mark.parametrize("after", [moved(VIEW), infrared(VIEW)], ids=["camera moved", "infrared switch"])
def test_another_scene_opens_after_seconds_and_closes_when_the_old_one_is_back(after: np.ndarray) -> None:
    pictures = shots(VIEW, 30) + shots(after, 30, first=500) + shots(VIEW, 20, first=900)
    changes, attention = watched(TamperingDetector(), pictures)
    assert kinds(changes) == [("scene_changed", False), ("scene_changed", True)]
    assert changes[0].started_s == pytest.approx(30.0)
    assert changes[0].opened_s == pytest.approx(35.0)
    assert changes[1].ended_s == pytest.approx(60.0)
    assert not changes[1].learnt
    assert attention[30 * FPS] is AlertGate.HOLD


def test_another_scene_that_stays_becomes_the_usual_one() -> None:
    pictures = shots(VIEW, 30) + shots(moved(VIEW), LEARNT_AFTER_S + 40, first=500)
    changes, attention = watched(TamperingDetector(), pictures)
    assert kinds(changes) == [("scene_changed", False), ("scene_changed", True)]
    assert changes[1].learnt
    assert changes[1].ended_s == pytest.approx(30.0 + LEARNT_AFTER_S)
    assert attention[-1] is AlertGate.OPEN


def test_a_lorry_that_fills_the_picture_for_some_seconds_only_holds() -> None:
    lorry = view(seed=9)
    passing = []
    for n in range(4 * FPS):
        frame = noisy(VIEW, 2000 + n)
        edge = round(frame.shape[1] * min(1.0, (n + 1) / 5))
        frame[:, :edge] = np.roll(lorry, 16 * n, axis=1)[:, :edge]
        passing.append(frame)
    changes, attention = watched(TamperingDetector(), shots(VIEW, 30) + passing + shots(VIEW, 20, first=900))
    assert changes == []
    assert AlertGate.HOLD in attention
    assert attention[-1] is AlertGate.OPEN


def test_flickering_light_is_no_condition_and_the_jumps_hold() -> None:
    dim = (VIEW * 0.4).astype(np.uint8)
    flicker = [noisy((VIEW, dim)[n // 3 % 2], 700 + n) for n in range(20 * FPS)]
    changes, attention = watched(TamperingDetector(), shots(VIEW, 30) + flicker + shots(VIEW, 10, first=900))
    assert changes == []
    assert attention[30 * FPS + 3] is AlertGate.HOLD
    assert attention[-1] is AlertGate.OPEN


def test_after_a_gap_an_open_condition_has_ended_and_the_view_is_still_known() -> None:
    watch = TamperingDetector()
    opened, _ = watched(watch, shots(VIEW, 30) + shots(moved(VIEW), 10, first=500))
    assert kinds(opened) == [("scene_changed", False)]
    changes, _ = watched(watch, shots(moved(VIEW), 10, first=900), start_s=3600.0)
    assert kinds(changes) == [("scene_changed", True), ("scene_changed", False)]
    assert changes[0].ended_s == pytest.approx(39.8)
    assert changes[1].started_s == 3600.0


def test_a_clock_set_back_closes_and_starts_over() -> None:
    watch = TamperingDetector()
    watched(watch, shots(VIEW, 30) + shots(black(), 10, first=500), start_s=5000.0)
    changes, _ = watched(watch, shots(VIEW, 10, first=900), start_s=100.0)
    assert kinds(changes) == [("covered", True)]


def test_finishing_closes_what_is_open_once() -> None:
    watch = TamperingDetector()
    assert watch.finish() == []
    watched(watch, shots(black(), 5))
    assert kinds(watch.finish()) == [("covered", True)]
    assert watch.finish() == []


def test_a_restart_after_any_frame_changes_nothing() -> None:
    pictures = shots(VIEW, 15) + shots(black(), 4, first=500) + shots(VIEW, 6, first=900)
    pictures += shots(infrared(moved(VIEW)), 12, first=1200)
    whole, expected = watched(TamperingDetector(), pictures)
    watch = TamperingDetector()
    changes: list[Condition] = []
    attention: list[AlertGate] = []
    for n, shown in enumerate(pictures):
        stored = json.loads(json.dumps(watch.state()))
        watch = TamperingDetector()
        watch.restore(stored)
        check = watch.observe(Frame(shown, round(n / FPS, 6)))
        changes += check.changes
        attention.append(check.gate)
    assert (changes, attention) == (whole, expected)
    assert {change.kind for change in changes} == {ConditionKind.COVERED, ConditionKind.SCENE_CHANGED}


def test_the_state_stays_small() -> None:
    watch = TamperingDetector()
    watched(watch, shots(VIEW, 30) + shots(black(), 5))
    assert len(json.dumps(watch.state())) < 9000


# Real footage


def test_a_picture_is_judged_after_compression_as_before() -> None:
    """What the queue does to pictures does not make them alike, nor a repeated one another."""
    once, again = (jpeg_codec.decode(jpeg_codec.encode(noisy(VIEW, 1), 85)) for _ in range(2))
    other = jpeg_codec.decode(jpeg_codec.encode(noisy(VIEW, 2), 85))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells": [1e308] * 48},
        {"cells": [float("nan")] * 48},
        {"unsettled_s": 1e12},
        {"usual": {"levels": [float("nan"), 1.0, 1.0, 20.0]}},
        {"usual": {"levels": [1.0, 1.0, 1e308 * 10, 20.0]}},
    ],
    ids=["huge cells", "cells that are none", "unsettled for ever", "a level that is none", "an infinite level"],
)
def test_a_stored_state_that_no_pictures_lead_to_is_refused(wrong: dict[str, object]) -> None:
    """Gone on from, it would never again see a jump, or never again let an anomaly open."""
    watch = TamperingDetector()
    watched(watch, shots(VIEW, 20))
    state = watch.state()
    for name, part in wrong.items():
        state[name] = state[name] | part if isinstance(part, dict) else part
    with pytest.raises(ValueError, match=r"levels|bounds|unsettled"):
        TamperingDetector().restore(state)


# What the streams cannot see through


def clocked(picture_: np.ndarray, number: int) -> np.ndarray:
    """With a clock written over it that ticks once a second."""
    shown = picture_.copy()
    shown[8:20, 10:90] = 20
    shown[8:20, 10 + number // FPS % 60 : 14 + number // FPS % 60] = 250
    return shown


def test_a_frozen_picture_under_a_ticking_clock_is_frozen() -> None:
    still = noisy(VIEW, 0)
    pictures = shots(VIEW, 20) + [clocked(still, n) for n in range(70 * FPS)]
    assert kinds(watched(TamperingDetector(), pictures)[0]) == [("frozen", False)]


def test_a_live_view_under_a_ticking_clock_is_not_frozen() -> None:
    pictures = [clocked(noisy(VIEW, n), n) for n in range(90 * FPS)]
    assert watched(TamperingDetector(), pictures)[0] == []


def test_a_shaking_camera_is_reported_at_once_and_until_it_is_steady() -> None:
    rng = np.random.default_rng(4)
    shaken = [np.roll(shot, rng.integers(-3, 4, 2), axis=(0, 1)) for shot in shots(VIEW, 25, first=500)]
    changes, attention = watched(TamperingDetector(), shots(VIEW, 30) + shaken + shots(VIEW, 20, first=900))
    assert kinds(changes) == [("shaking", False), ("shaking", True)]
    assert 30.0 <= changes[0].started_s <= changes[0].opened_s <= 36.0
    assert attention[30 * FPS + 2] is AlertGate.HOLD
    assert attention[-1] is AlertGate.OPEN


def barred(shot: np.ndarray, at_s: float) -> np.ndarray:
    """As a rolling shutter sees lamps on the mains."""
    rows = np.arange(shot.shape[0])[:, None, None] / shot.shape[0]
    light = 1 + 0.12 * np.sin(2 * np.pi * (3 * rows + 8.3 * at_s))
    return np.asarray(np.clip(shot * light, 0, 255), np.uint8)


def test_bars_of_mains_light_are_reported() -> None:
    flicker = [barred(shot, n / FPS) for n, shot in enumerate(shots(VIEW, 20, first=500))]
    changes, _ = watched(TamperingDetector(), shots(VIEW, 30) + flicker + shots(VIEW, 20, first=900))
    assert kinds(changes) == [("flickering", False), ("flickering", True)]
    assert 30.0 <= changes[0].opened_s <= 36.0


@pytest.mark.parametrize(("pictures", "expected"), [(3, []), (20, [("flickering", False), ("flickering", True)])])
def test_bars_in_few_pictures_are_none_however_far_apart_they_are(
    pictures: int, expected: list[tuple[str, bool]]
) -> None:
    """A time lapse through dawn shows light that grows row by row in a few pictures, seconds apart."""
    shown = shots(VIEW, 8) + [barred(noisy(VIEW, 500 + n), 1.03 * n) for n in range(pictures)] + shots(VIEW, 8, 900)
    watch = TamperingDetector()
    changes = [change for n, one in enumerate(shown) for change in watch.observe(Frame(one, float(n))).changes]
    assert kinds(changes) == expected


def test_headlights_and_dusk_are_no_condition() -> None:
    glow = 90 * np.exp(-(((np.arange(VIEW.shape[1])[None, :] - np.arange(0, 480, 8)[:, None]) / 40) ** 2))
    lit = [
        np.clip(shot + one[None, :, None], 0, 255).astype(np.uint8)
        for shot, one in zip(shots(VIEW, 12), glow, strict=True)
    ]
    dusk = [(shot * (1 - n / 500)).astype(np.uint8) for n, shot in enumerate(shots(VIEW, 60, first=600))]
    assert watched(TamperingDetector(), shots(VIEW, 30) + lit + dusk)[0] == []


def expecting(picture_: np.ndarray) -> TamperingDetector:
    watch = TamperingDetector()
    watch.expect(Expectation([thumbnail(noisy(picture_, 7))]))
    return watch


def test_a_view_that_the_bank_does_not_know_is_reported_from_the_start_and_stays_so() -> None:
    watch = expecting(VIEW)
    changes, attention = watched(watch, shots(VIEW[::-1, ::-1], LEARNT_AFTER_S + 40))
    assert kinds(changes) == [("scene_changed", False)]
    assert changes[0].started_s == 0.0
    assert "bank" in watch.detail_of(ConditionKind.SCENE_CHANGED)
    assert AlertGate.OPEN not in attention
    restored = TamperingDetector()
    restored.restore(json.loads(json.dumps(watch.state())))
    restored.expect(Expectation([thumbnail(VIEW)]))
    assert kinds(watched(restored, shots(VIEW, 8, first=900), start_s=LEARNT_AFTER_S + 40.2)[0]) == [
        ("scene_changed", True)
    ]


@pytest.mark.parametrize(
    "now", [VIEW, (VIEW * 0.7).astype(np.uint8), infrared(VIEW), (VIEW * 0.2).astype(np.uint8)]
)  # fmt: skip
def test_the_view_of_the_bank_is_recognised_or_not_judged_by_another_light(now: np.ndarray) -> None:
    assert watched(expecting(VIEW), shots(now, 20, sigma=1.0))[0] == []


@pytest.mark.parametrize(
    ("known", "expected"), [([VIEW, infrared(VIEW)], []), ([VIEW], [("scene_changed", False), ("scene_changed", True)])]
)
def test_a_light_that_the_bank_was_learnt_in_too_is_no_changed_scene(
    known: list[np.ndarray], expected: list[tuple[str, bool]]
) -> None:
    watch = TamperingDetector()
    watch.expect(Expectation([thumbnail(noisy(one, 7)) for one in known]))
    day, night = shots(VIEW, 30), shots(infrared(VIEW), 30, first=500)
    changes, attention = watched(watch, day + night + shots(VIEW, 30, first=900))
    assert kinds(changes) == expected
    assert attention[30 * FPS] is AlertGate.HOLD, "no anomaly opens at the switch itself"
    assert attention[40 * FPS] is (AlertGate.SUPPRESS if expected else AlertGate.OPEN)


def test_a_camera_that_is_turned_after_the_switch_is_reported_all_the_same() -> None:
    watch = TamperingDetector()
    watch.expect(Expectation([thumbnail(noisy(one, 7)) for one in (VIEW, infrared(VIEW))]))
    night = shots(infrared(VIEW), 30, first=500)
    changes, _ = watched(watch, shots(VIEW, 30) + night + shots(infrared(moved(VIEW)), 10, first=900))
    assert kinds(changes) == [("scene_changed", False)]
    assert changes[0].started_s == pytest.approx(60.0)


def test_a_bank_without_thumbnails_expects_nothing() -> None:
    watch = TamperingDetector()
    watch.expect(Expectation([b"", b"no picture"]))
    assert watched(watch, shots(VIEW, 20))[0] == []
