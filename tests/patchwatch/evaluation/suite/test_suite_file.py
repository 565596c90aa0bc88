"""The file that lists the scenes of a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.suite.suite_file import Role, read_suite, split_missing

SCENE = '[[scenes]]\nname = "lobby"\nrole = "held-out"\ntrain = "lobby/training"\ntest = ["a", "/abs/b.mkv"]\n'
LABELLED = SCENE + 'labels = "labels.json"\n'


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "suite.toml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (scene,) = read_suite(write(tmp_path, LABELLED + "events_within_s = 1.5\nfps = 2\n"))
    assert (scene.name, scene.role, scene.normal) == ("lobby", Role.HELD_OUT, False)
    assert scene.train == (tmp_path / "lobby" / "training",)
    assert scene.test == (tmp_path / "a", Path("/abs/b.mkv"))
    assert scene.labels == tmp_path / "labels.json"
    assert (scene.events_within_s, scene.fps, scene.frame_rate) == (1.5, 2.0, None)


def test_paths_are_relative_to_the_base_that_the_file_or_the_caller_names(tmp_path: Path) -> None:
    path = write(tmp_path, 'base = "data"\n' + SCENE + "normal = true\n")
    assert read_suite(path)[0].train == (tmp_path / "data" / "lobby" / "training",)
    assert read_suite(path, tmp_path / "other")[0].train == (tmp_path / "other" / "lobby" / "training",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is not TOML"),
        ("", "scenes: Field required"),
        ("scenes = []", "scenes: Tuple should have at least 1 item"),
        (SCENE, r"scene 1 \('lobby'\): give either labels"),
        (LABELLED + "normal = true\n", "give either labels"),
        (SCENE + "normal = true\nevents_within_s = 1\n", "leave it out"),
        (LABELLED.replace("held-out", "tuned"), r"scene 1 \('lobby'\), role: Input should be 'design' or 'held-out'"),
        (LABELLED.replace('role = "held-out"\n', ""), "role: Field required"),
        (LABELLED + "frame_rte = 10\n", "frame_rte: Extra inputs are not permitted"),
        (LABELLED + "fps = 0\n", "fps: Input should be greater than 0"),
        (LABELLED + "frame_rate = inf\n", "frame_rate: Input should be less than or equal to"),
        (LABELLED + 'label_format = "xml"\n', "label_format: Input should be 'json'"),
        (LABELLED.replace('train = "lobby/training"', "train = []"), "train: Value should have at least 1 item"),
        (LABELLED.replace("lobby", " ", 1), "name: needs printable characters"),
        (LABELLED + LABELLED, "two scenes are called lobby"),
        ("scenes = [1]", "scene 1: Input should be a valid dictionary"),
    ],
)
def test_what_is_wrong_is_named_with_its_scene_and_the_form_of_one(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RejectedError, match=said) as caught:
        read_suite(write(tmp_path, text))
    assert "suite.toml" in str(caught.value)
    assert "is not TOML" in str(caught.value) or "[[scenes]] with name" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"nowhere\.toml: No such file"):
        read_suite(tmp_path / "nowhere.toml")


def test_scenes_that_are_not_there_stop_it_unless_they_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    here = '[[scenes]]\nname = "yard"\nrole = "design"\ntrain = "here"\ntest = "here"\nnormal = true\n'
    scenes = read_suite(write(tmp_path, here + LABELLED))
    with pytest.raises(RejectedError, match=r"lobby: .*lobby/training, .*a, .*--skip-missing"):
        split_missing(scenes, skip=False)
    there, lacking = split_missing(scenes, skip=True)
    assert [scene.name for scene in there] == ["yard"]
    assert [scene.name for scene, _ in lacking] == ["lobby"]
    with pytest.raises(RejectedError, match="none of the 1 scenes is there"):
        split_missing(scenes[1:], skip=True)
