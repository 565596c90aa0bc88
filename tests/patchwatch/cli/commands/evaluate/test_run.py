"""``patchwatch evaluate run``."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import parts
import pytest
from labelled_clips import pictures, write_folders
from quick_profiles import QUICK
from typer.testing import CliRunner, Result

from patchwatch.cli.app import app
from patchwatch.contract.errors import PatchwatchError, RejectedError, WeightsMissingError
from patchwatch.evaluation.report.report import Report


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folders(tmp_path_factory.mktemp("clips"))


@pytest.fixture(autouse=True)
def _quick_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "profiles.toml").write_text(QUICK + QUICK.replace("quick", "other"))
    monkeypatch.setenv("PATCHWATCH_PROFILES_FILE", str(tmp_path / "profiles.toml"))


def _evaluate(clips: Path, *arguments: object, labels: bool = True, profile: str = "quick") -> Result:
    given = ["--train", clips / "training", "--test", clips / "testing", "--profile", profile, *arguments]
    given += ["--labels", clips / "labels.json"] if labels else []
    return CliRunner().invoke(app, ["evaluate", "run", *map(str, given)])


def _error(result: Result) -> PatchwatchError:
    assert isinstance(result.exception, PatchwatchError), result.output
    return result.exception


def test_two_profiles_stand_in_one_table_and_one_report(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "new folder" / "report.json"
    page = tmp_path / "report.html"
    result = _evaluate(clips, "--profile", "other", "--json", out, "--html", page, "--no-folds")
    assert result.exit_code == 0, result.output
    assert "quick and other" in page.read_text()
    rows = [line.split()[:2] for line in result.stdout.splitlines()[1:7]]
    assert rows == [[name, scores] for name in ("quick", "other") for scores in ("service", "unsmoothed", "paper")]
    outcome = Report.read(out)
    assert [profile.profile for profile in outcome.profiles] == ["quick", "other"]
    assert (outcome.settings.folds, outcome.settings.frame_rate, outcome.settings.label_format) == (0, None, "json")
    assert outcome.settings.false_alarms_per_day == 4.0
    for profile in outcome.profiles:
        assert profile.protocols.service.micro_auroc is not None
        assert profile.protocols.service.micro_auroc > 0.9


def test_held_out_normal_footage_is_evaluated_by_default(clips: Path, tmp_path: Path) -> None:
    """Two clips of 16 s: two folds, each learning from one clip."""
    out = tmp_path / "report.json"
    result = _evaluate(clips, "--json", out)
    assert result.exit_code == 0, result.output
    (outcome,) = Report.read(out).profiles
    unseen = outcome.budgets[0].held_out
    assert (unseen is not None and unseen.folds == 2) or "too little" in outcome.notes[0]


def test_scores_of_unlabelled_folders_of_pictures_become_a_csv(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "training").symlink_to(clips / "training")
    folder = tmp_path / "testing" / "01"
    folder.mkdir(parents=True)
    for n, rgb in enumerate(pictures(seconds=3)):
        cv2.imwrite(str(folder / f"frame_{n + 1:05}.jpg"), rgb[..., ::-1])
    out = tmp_path / "scores.csv"
    result = _evaluate(tmp_path, "--csv", out, labels=False)
    assert result.exit_code == 0, result.output
    assert "NOTICE: pictures are read at 25 a second" in result.output
    header, *rows = out.read_text().splitlines()
    assert header == "Id,Predicted"
    assert [row.split(",")[0] for row in rows] == [f"1_{n}" for n in range(1, 31)]
    assert all(0 <= float(row.split(",")[1]) <= 1 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "labels", "said"),
    [
        ([], False, "--labels"),
        (["--json", "report.json"], False, "--labels"),
        (["--csv", "x.csv", "--json", "report.json"], False, "--labels"),
        (["--csv", "x.csv", "--profile", "other"], True, "one profile"),
        (["--fps", "0"], True, "--fps"),
        (["--fps", "inf"], True, "--fps"),
        (["--frame-rate", "-1"], True, "--frame-rate"),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_work(
    clips: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], labels: bool, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    error = _error(_evaluate(clips, *arguments, labels=labels))
    assert isinstance(error, RejectedError)
    assert said in str(error)


def test_files_that_cannot_be_written_are_refused_before_the_work(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for option in ("--json", "--html", "--csv"):
        for out in (tmp_path, tmp_path / "file" / "out"):
            assert option in str(_error(_evaluate(clips, option, out)))


def test_missing_weights_stop_before_anything_is_learnt(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.need("clip")
    monkeypatch.setenv("PATCHWATCH_WEIGHTS_DIR", str(tmp_path / "none"))
    error = _error(_evaluate(clips, "--profile", "reference"))
    assert isinstance(error, WeightsMissingError)


def test_labels_of_the_wrong_format_are_refused(clips: Path) -> None:
    assert "gt_frame" in str(_error(_evaluate(clips, "--label-format", "ucsd")))
    assert json.loads((clips / "labels.json").read_text())


def test_pictures_without_numbers_are_refused_before_the_work(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "training").symlink_to(clips / "training")
    folder = tmp_path / "testing" / "walk"
    folder.mkdir(parents=True)
    for name in "ab":
        cv2.imwrite(str(folder / f"{name}.png"), next(pictures(seconds=1)))
    result = _evaluate(tmp_path, "--csv", tmp_path / "x.csv", labels=False)
    assert "holds no frame number" in str(_error(result))
    assert "evaluating" not in result.output
