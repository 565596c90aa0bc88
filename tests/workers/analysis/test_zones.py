"""What a zone means for learning and scoring: nothing in an ignored part counts, beside it everything does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from moving_scene import FPS, HEIGHT, WIDTH, scene
from quick_profiles import SMALL_SCENE

from models.banks.bank import Bank
from models.banks.bank_file import load_bank, save_bank
from models.engine.engine import Engine, NetworkOptions
from models.engine.frame_scorer import FrameScore
from models.frames.view import View, ViewMask
from models.profiles.profile import load_profile
from models.streams.motion_stream import CELLS, cell_boxes
from workers.analysis.recordings import RecordingReader, learn, recorded_clips, score
from workers.analysis.zone_view import view_of, zones_of
from workers.media.container import VideoOptions

RIGHT = ((0.78, 0.0), (1.0, 0.0), (1.0, 1.0), (0.78, 1.0))  # beyond where the patch of the scene swings
LEFT = ((0.0, 0.0), (0.78, 0.0), (0.78, 1.0), (0.0, 1.0))
INSIDE, OUTSIDE = 132, 106  # where a ball bounces: in the right part, or just left of it
EVENT = range(30, 50)  # frames


def film(folder: Path, seconds: int, ball: int | None = None, always: bool = False) -> Path:
    """The slow scene as pictures; a ball bounces at column ``ball`` in `EVENT`, or ``always``."""
    folder.mkdir()
    for number in range(seconds * FPS):
        rgb = scene(number / FPS).copy()
        if ball is not None and (always or number in EVENT):
            top = 8 + (number * 23) % 66
            rgb[top : top + 14, ball : ball + 14] = (250, 240, 60)
        cv2.imwrite(str(folder / f"{number:04d}.png"), rgb[..., ::-1])
    return folder


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        "normal": film(folder / "normal", 24), "busy": film(folder / "busy", 24, INSIDE, always=True),
        "inside": film(folder / "inside", 10, INSIDE), "outside": film(folder / "outside", 10, OUTSIDE),
    }  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    file = tmp_path_factory.mktemp("profile") / "profiles.toml"
    file.write_text(SMALL_SCENE)
    return Engine.load(load_profile("small", file), NetworkOptions(Path("unused"), device="cpu", threads=1))


def reader(view: View | None = None) -> RecordingReader:
    return RecordingReader(VideoOptions(), 85, 8, frame_rate=FPS, view=view or View())


def learnt(engine: Engine, film: Path, view: View | None = None) -> Bank:
    return learn(engine, recorded_clips([film], reader(view)), count=1)


_SCORED: dict[tuple[str, Path, View], list[FrameScore]] = {}  # several tests ask for the same


def scored(engine: Engine, bank: Bank, film: Path, view: View | None = None) -> list[FrameScore]:
    asked = (bank.id, film, view or View())
    if asked not in _SCORED:
        _SCORED[asked] = [frame.score for frame in score(engine, bank, film, reader(view))]
    return _SCORED[asked]


def alarms(engine: Engine, bank: Bank, film: Path, view: View | None = None) -> bool:
    return any(frame.event_open for frame in scored(engine, bank, film, view))


@pytest.fixture(scope="module")
def whole(engine: Engine, films: dict[str, Path]) -> Bank:
    return learnt(engine, films["normal"])


IGNORING, WATCHING, HIDING = View(ignored=(RIGHT,)), View(watched=(LEFT,)), View(hidden=(RIGHT,))


@pytest.fixture(scope="module")
def ignoring(engine: Engine, films: dict[str, Path]) -> Bank:
    """Learnt where the ignored part is never still."""
    return learnt(engine, films["busy"], IGNORING)


def test_without_zones_both_balls_raise_an_alert(engine: Engine, whole: Bank, films: dict[str, Path]) -> None:
    assert alarms(engine, whole, films["inside"])
    assert alarms(engine, whole, films["outside"])


@pytest.mark.parametrize("view", [IGNORING, WATCHING, HIDING], ids=["ignore", "watch", "privacy"])
def test_a_bank_from_before_fits_zones_of_every_kind(
    engine: Engine, whole: Bank, films: dict[str, Path], view: View
) -> None:
    assert not alarms(engine, whole, films["inside"], view)
    assert alarms(engine, whole, films["outside"], view)
    assert not alarms(engine, whole, films["normal"], view), "nor is the edge of what is black an anomaly"


def test_an_ignored_part_is_not_learnt_either(engine: Engine, ignoring: Bank, films: dict[str, Path]) -> None:
    assert not alarms(engine, ignoring, films["inside"], IGNORING)
    assert alarms(engine, ignoring, films["outside"], IGNORING)
    assert not alarms(engine, ignoring, films["normal"], IGNORING)


def test_what_was_ignored_when_the_bank_was_learnt_is_not_judged_once_it_counts(
    engine: Engine, ignoring: Bank, films: dict[str, Path]
) -> None:
    assert not alarms(engine, ignoring, films["inside"])
    assert alarms(engine, ignoring, films["outside"])


def test_a_watched_part_is_the_only_one_that_counts(engine: Engine, whole: Bank, films: dict[str, Path]) -> None:
    view = View(watched=(RIGHT,))
    assert alarms(engine, whole, films["inside"], view)
    assert not alarms(engine, whole, films["outside"], view)


def test_learning_leaves_out_what_scoring_leaves_out(engine: Engine, ignoring: Bank, films: dict[str, Path]) -> None:
    counted = ViewMask(IGNORING).counts_places(cell_boxes(WIDTH, HEIGHT), WIDTH, HEIGHT)
    position = [spec.name for spec in ignoring.profile.streams].index("motion")
    assert not ignoring.streams[position].vectors[:, ~counted].any(), "nothing is known of cells that do not count"
    of_motion = ignoring.coverage.streams[position]
    assert of_motion.vectors == of_motion.spoke * int(counted.sum())
    boxes = [frame.box_xyxy_px for frame in scored(engine, ignoring, films["inside"], IGNORING) if frame.box_xyxy_px]
    assert boxes
    assert all((box[0] + box[2]) / 2 < 0.78 * WIDTH for box in boxes)


def test_what_moves_in_an_ignored_part_changes_no_score(
    engine: Engine, whole: Bank, ignoring: Bank, films: dict[str, Path]
) -> None:
    """But for the flow of a few pixels at its edge, which OpenCV finds from what is on both sides of it."""
    for bank in (whole, ignoring):
        calm, busy = (
            np.array([frame.unsmoothed for frame in scored(engine, bank, films[name], IGNORING)])
            for name in ("normal", "inside")
        )
        assert np.abs(calm[: len(busy)] - busy).max() < 0.1


def test_a_bank_file_keeps_the_view_it_was_learnt_in(ignoring: Bank, whole: Bank, tmp_path: Path) -> None:
    for bank in (ignoring, whole):
        save_bank(bank, tmp_path / "bank.safetensors")
        assert load_bank(tmp_path / "bank.safetensors").view == bank.view
    assert ignoring.view == IGNORING
    assert whole.view.whole


def test_zones_and_views_mean_the_same() -> None:
    view = View(ignored=(RIGHT,), watched=(LEFT, RIGHT), hidden=(LEFT,))
    assert view_of(zones_of(view)) == view


def test_a_frame_costs_little_more_with_zones(engine: Engine) -> None:
    """That rasters are made once: a second look at the same size makes none."""
    mask = ViewMask(replace(IGNORING, hidden=(LEFT,)))
    mask.counts_places(cell_boxes(WIDTH, HEIGHT), WIDTH, HEIGHT)
    made = dict(mask._results)
    mask.counts_places(cell_boxes(WIDTH, HEIGHT), WIDTH, HEIGHT)
    assert all(mask._results[key] is value for key, value in made.items())
    assert CELLS == 400
