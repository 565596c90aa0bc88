"""The rendered scene: the same on every run, labelled, and its anomalies are what they say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from patchwatch.demo.scene import backdrop
from patchwatch.demo.scene.scene import DRIVING_M_PER_S, RUNNING_M_PER_S, SCENE_FPS, Scene
from patchwatch.demo.scene.script import Anomaly, AnomalyKind, repeating
from patchwatch.demo.scene.walkers import WALKING_M_PER_S, walks

Picture = NDArray[np.uint8]


def test_the_same_seed_and_script_give_the_same_pictures_in_any_order() -> None:
    script = (Anomaly(2.0, AnomalyKind.RUN),)
    first, second = Scene(4, script), Scene(4, script)
    later, earlier = first.picture(3.0), first.picture(1.0)
    assert np.array_equal(second.picture(1.0), earlier)
    assert np.array_equal(second.picture(3.0), later)


def test_another_seed_shows_other_people_in_the_same_place() -> None:
    one, other = Scene(1).picture(5.0).astype(int), Scene(2).picture(5.0).astype(int)
    apart = np.abs(one - other).max(axis=2)
    assert (apart > 60).mean() > 0.002  # people
    assert np.median(apart) < 12  # the place


def test_pictures_are_rgb_bytes_of_the_view() -> None:
    picture = Scene(1).picture(0.0)
    assert picture.dtype == np.uint8
    assert picture.shape == (360, 640, 3)


def test_the_picture_says_that_it_is_synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    labelled = Scene(1).picture(0.0)
    monkeypatch.setattr(backdrop, "LABEL", " " * len(backdrop.LABEL))
    bare = Scene(1).picture(0.0)
    changed = np.argwhere(np.abs(labelled.astype(int) - bare).max(axis=2) > 60)
    assert len(changed) > 200  # bright letters on a dark ground
    assert changed.max(axis=0)[0] < 40  # in the upper corner


def test_somebody_is_always_walking_in_both_directions() -> None:
    for second in range(0, 60, 5):
        present = walks(seed=3, t_s=float(second))
        assert len(present) >= 6
        assert len({walk.end[0] > walk.start[0] for walk in present}) == 2


def test_everybody_walks_at_a_walking_speed() -> None:
    speeds = {walk.speed for second in range(0, 120, 5) for walk in walks(5, float(second))}
    assert len(speeds) > 20
    assert max(speeds) < 1.7


def test_the_light_changes_slowly() -> None:
    scene = Scene(1)
    means = np.array([scene.picture(t)[:60, 300:].mean() for t in np.arange(0.0, 54.0, 2.0)])
    assert np.ptp(means) > 3
    assert np.abs(np.diff(means)).max() < 3.5


def _alone(kind: AnomalyKind, direction: int = 1) -> Callable[[float], NDArray[np.bool_]]:
    """The difference that the anomaly makes to an otherwise equal day."""
    lead = () if direction == 1 else (Anomaly(-1e6, AnomalyKind.RUN),)
    acting, plain = Scene(9, (*lead, Anomaly(0.0, kind))), Scene(9)

    def difference(t_s: float) -> NDArray[np.bool_]:
        return np.asarray(np.abs(acting.picture(t_s).astype(int) - plain.picture(t_s)).max(axis=2) > 30)

    return difference


def _middle_x(mask: NDArray[np.bool_]) -> float:
    return float(np.argwhere(mask)[:, 1].mean())


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(("kind", "metres_per_s"), [("run", RUNNING_M_PER_S), ("vehicle", DRIVING_M_PER_S)])
def test_runner_and_vehicle_cross_much_faster_than_people_walk(kind: str, metres_per_s: float, direction: int) -> None:
    difference = _alone(AnomalyKind(kind), direction)
    px_per_s = (_middle_x(difference(2.5)) - _middle_x(difference(1.5))) * direction
    walking_px_per_s = WALKING_M_PER_S * Scene(9).view.scale(12.0)
    assert px_per_s > 2 * walking_px_per_s
    assert metres_per_s > 2 * WALKING_M_PER_S


def test_one_who_falls_lies_afterwards() -> None:
    difference = _alone(AnomalyKind.FALL)
    standing, lying = np.ptp(np.argwhere(difference(-0.2)), axis=0), np.ptp(np.argwhere(difference(3.0)), axis=0)
    assert standing[0] > standing[1]  # taller than wide
    assert lying[1] > 2 * lying[0]


def test_nothing_unusual_shows_before_the_script_says_so() -> None:
    script = repeating(first_s=70.0)
    acting, plain = Scene(6, script), Scene(6)
    for t_s in (0.0, 30.0, 60.0, 69.9):
        assert acting.anomaly_at(t_s) is None
        assert np.array_equal(acting.picture(t_s), plain.picture(t_s))
    assert acting.anomaly_at(71.0) == Anomaly(70.0, AnomalyKind.RUN)


def test_the_script_goes_through_all_kinds_again_and_again() -> None:
    script = repeating(first_s=70.0, every_s=20.0, until_s=200.0)
    assert [anomaly.starts_at_s for anomaly in script] == [70, 90, 110, 130, 150, 170, 190]
    assert [anomaly.kind.value for anomaly in script[:4]] == ["run", "vehicle", "fall", "run"]


def test_the_rate_divides_into_the_default_analysis_rate() -> None:
    assert SCENE_FPS % 5 == 0
