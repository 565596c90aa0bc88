"""A cut between two recordings of one fixed camera is distinguished from all that moves, quickly or slowly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from labelled_clips import pictures
from walking_scene import FPS, GROUND, HEIGHT, WIDTH, clip, noisy, walkers

from models.frames.frame import Frame
from models.frames.scene_cuts import SceneCuts
from patchwatch.contract.settings import Settings
from workers.analysis.recordings import RecordingReader

Picture = np.ndarray


def cuts_of(frames: Iterable[Frame]) -> list[float]:
    cuts = SceneCuts()
    return [frame.at_s for frame in map(cuts.mark, frames) if frame.cut]


def joined(*clips: list[Frame]) -> list[Frame]:
    """As if from one file: nothing says where one ends."""
    frames = [frame for part in clips for frame in part]
    return [replace(frame, at_s=n / FPS, discontinuity=n == 0) for n, frame in enumerate(frames)]


def altered(change: Callable[[Picture, int], Picture], seconds: float = 20.0) -> list[Frame]:
    """Walkers whose picture is changed from the tenth second on; ``change`` is told how many frames ago that was."""
    frames = clip(1, seconds)
    return frames[: 10 * FPS] + [replace(f, rgb=change(f.rgb, n)) for n, f in enumerate(frames[10 * FPS :])]


def test_movers_that_jump_on_the_same_ground_are_a_cut() -> None:
    assert cuts_of(joined(*(clip(seed, 8) for seed in range(5)))) == [8.0, 16.0, 24.0, 32.0]


def test_a_cut_is_a_discontinuity_and_the_frame_else_the_same() -> None:
    cuts, frames = SceneCuts(), joined(clip(1, 3), clip(2, 3))
    marked = [cuts.mark(frame) for frame in frames]
    assert [frame.discontinuity for frame in marked] == [n in (0, 15) for n in range(30)]
    assert all(one.rgb is frame.rgb and one.at_s == frame.at_s for one, frame in zip(marked, frames, strict=True))


def test_another_place_is_a_cut() -> None:
    assert cuts_of(altered(lambda rgb, n: np.roll(rgb, (60, 100), axis=(0, 1)))) == [10.0]


def test_walking_is_no_cut() -> None:
    assert cuts_of(clip(1, 120)) == []


def test_what_came_with_a_discontinuity_is_not_counted_again() -> None:
    frames = clip(1, 5) + [replace(frame, at_s=5 + frame.at_s) for frame in clip(2, 5)]
    assert cuts_of(frames) == []


def _lorry(rgb: Picture, n: int) -> Picture:
    edge = min(WIDTH, n * 16)
    rgb = rgb.copy()
    rgb[:, :edge] = noisy(np.roll(GROUND[:, ::-1], 16 * n, axis=1), n, 2.0)[:, :edge] // 2
    return rgb


def _headlights(rgb: Picture, n: int) -> Picture:
    glow = 90 * np.exp(-(((np.arange(WIDTH) - 12 * n) / 40) ** 2))
    return np.asarray(np.clip(rgb + glow[None, :, None], 0, 255), np.uint8)


def _rain(rgb: Picture, n: int) -> Picture:
    rng, rgb = np.random.default_rng(n), rgb.copy()
    for x, y in rng.integers(0, (WIDTH, HEIGHT), (60, 2)).tolist():
        cv2.line(rgb, (x, y), (x + 2, y + 11), (200, 200, 200), 1)
    return rgb


@pytest.mark.parametrize(
    "change",
    [
        _lorry,
        _headlights,
        _rain,
        lambda rgb, n: noisy(rgb // 3, n, 8.0),
        lambda rgb, n: np.roll(rgb, (n % 3, n % 2), axis=(0, 1)),
    ],
    ids=["lorry", "headlights", "rain", "noise by night", "shaking"],
)
def test_what_befalls_a_camera_is_no_cut(change: Callable[[Picture, int], Picture]) -> None:
    assert cuts_of(altered(change)) == []


def test_a_light_that_is_switched_on_is_no_cut() -> None:
    assert cuts_of(altered(lambda rgb, n: np.clip(rgb * 1.5 + 10, 0, 255).astype(np.uint8))) == []


def test_an_infrared_switch_is_no_cut() -> None:
    def infrared(rgb: Picture, n: int) -> Picture:
        grey = 255 * (cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) / 255) ** 0.6
        return np.repeat(np.clip(1.2 * grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)

    assert cuts_of(altered(infrared)) == []


def test_something_quick_is_doubted_now_and_then_only() -> None:
    """Running to and fro within a second, at five frames a second it is nowhere near where it was before."""

    def quick(rgb: Picture, n: int) -> Picture:
        rgb, left = rgb.copy(), round(140 + 120 * np.sin(7.0 * n / FPS))
        rgb[80:120, left : left + 40] = 250
        return rgb

    assert len(cuts_of(altered(quick, 40.0))) <= 4  # of some seventy jumps


def test_a_rush_of_what_moved_already_is_no_cut() -> None:
    """Nothing like it was within reach, but it is where it was."""
    shown = list(pictures(seconds=12, rushes_from_s=8.0))[::2]
    assert cuts_of([Frame(rgb, n / FPS) for n, rgb in enumerate(shown)]) == []


def test_the_first_thing_that_a_camera_sees_move_is_no_cut() -> None:
    """A recording begins with somebody who stands, and after a second falls."""

    def person(at_s: float) -> Picture:
        rgb, fallen = noisy(GROUND, round(at_s * FPS), 2.0), at_s >= 1.0
        top, left, height, width = (130, 150, 20, 60) if fallen else (60, 140, 70, 25)
        rgb[top : top + height, left : left + width] = 240
        return rgb

    assert cuts_of([Frame(person(n / FPS), n / FPS, discontinuity=n == 0) for n in range(5 * FPS)]) == []


def test_movers_that_jump_in_another_light_are_a_cut() -> None:
    before, after = clip(1, 8), clip(2, 8)
    brighter = [replace(frame, rgb=np.clip(frame.rgb * 1.25 + 10, 0, 255).astype(np.uint8)) for frame in after]
    assert cuts_of(joined(before, brighter)) == [8.0]


def test_a_restart_after_any_frame_changes_nothing() -> None:
    frames = joined(clip(1, 4), clip(2, 3), clip(3, 3))
    expected, cuts, actual = cuts_of(frames), SceneCuts(), []
    for frame in frames:
        stored = json.loads(json.dumps(cuts.state()))
        cuts = SceneCuts()
        cuts.restore(stored)
        if cuts.mark(frame).cut:
            actual.append(frame.at_s)
    assert actual == expected == [4.0, 7.0]
    assert len(json.dumps(cuts.state())) < 5000


@pytest.mark.parametrize(
    "wrong",
    [
        {"usual": [float("nan"), 0.0]},
        {"usual": [9.0, 0.0]},
        {"before": "AAAA"},
        {"moved": ""},
        {"doubtful": [-1, 0]},
        {"followed_s": 9.0},
    ],
)
def test_a_stored_state_that_no_pictures_lead_to_is_refused(wrong: dict[str, object]) -> None:
    cuts = SceneCuts()
    for frame in clip(1, 2):
        cuts.mark(frame)
    with pytest.raises(ValueError, match=r"stored|reshape"):
        SceneCuts().restore(cuts.state() | wrong)


def test_pictures_of_any_shape_are_taken() -> None:
    for shape in ((32, 640), (640, 32), (33, 47), (1080, 1920)):
        cuts = SceneCuts()
        for n in range(6):
            cuts.mark(Frame(np.asarray(cv2.resize(walkers(n / FPS), shape), np.uint8), n / FPS))


@pytest.mark.data
def test_joined_benchmark_clips_are_distinguished_and_whole_ones_are_not_cut(data: Path) -> None:
    reader, clips = RecordingReader.from_settings(Settings()), []
    for path in sorted((data / "ucsd_ped2" / "testing").glob("*.mkv")):
        with reader.open(path) as video:
            clips.append([frame for batch in reader.batches(video) for _, frame in batch])
    assert not any(frame.cut for part in clips for frame in part)
    starts = np.cumsum([len(part) for part in clips])[:-1] / FPS
    assert cuts_of(joined(*clips)) == starts.tolist()


@pytest.mark.data
@pytest.mark.parametrize("name", ["pets/testing/01.mkv", "clips/motorway-cyclist.avi", "caviar/testing/01.mkv"])
def test_ordinary_footage_is_not_cut(data: Path, name: str) -> None:
    reader = RecordingReader.from_settings(Settings())
    with reader.open(data / name) as video:
        assert not any(frame.cut for batch in reader.batches(video) for _, frame in batch)
