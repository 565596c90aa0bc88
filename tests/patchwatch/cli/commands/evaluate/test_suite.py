"""``patchwatch evaluate suite``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from labelled_clips import write_folders, write_video
from quick_profiles import QUICK
from typer.testing import CliRunner, Result

from patchwatch.cli.app import app
from patchwatch.contract.errors import PatchwatchError, RejectedError
from patchwatch.evaluation.suite.suite_file import Role
from patchwatch.evaluation.suite.suite_report import SuiteReport

SUITE = """
base = "clips"
[[scenes]]
name = "rush"
role = "design"
train = "training"
test = "testing"
labels = "boxes.json"
events_within_s = 2.5
[[scenes]]
name = "calm"
role = "held-out"
train = ["training/a.mp4", "training/b.mp4"]
test = "testing/calm.mp4"
normal = true
[[scenes]]
name = "short"
role = "held-out"
train = "short"
test = "testing"
labels = "labels.json"
"""
MISSING = '[[scenes]]\nname = "absent"\nrole = "held-out"\ntrain = "nowhere"\ntest = "testing"\nnormal = true\n'
PATCH = [0.38, 0.41, 0.58, 0.65]  # the middle of what rushes: a region is a cell of 28 px there


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_folders(tmp_path_factory.mktemp("suite") / "clips")
    write_video(folder / "short" / "a.mp4", seconds=2)
    (folder / "boxes.json").write_text(
        json.dumps({"testing": {"rush": [{"frames": [51, 80], "box": PATCH}], "calm": []}})
    )
    return folder


@pytest.fixture(autouse=True)
def _quick_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "profiles.toml").write_text(QUICK)
    monkeypatch.setenv("PATCHWATCH_PROFILES_FILE", str(tmp_path / "profiles.toml"))


def suite(clips: Path, text: str, *arguments: object) -> Result:
    path = clips.parent / "suite.toml"
    path.write_text(text)
    return CliRunner().invoke(app, ["evaluate", "suite", str(path), "--profile", "quick", *map(str, arguments)])


@pytest.fixture(scope="module")
def result(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, SuiteReport, str]:
    """What was printed, the report, and the page."""
    folder = tmp_path_factory.mktemp("result")
    (folder / "profiles.toml").write_text(QUICK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHWATCH_PROFILES_FILE", str(folder / "profiles.toml"))
        outputs = ("--json", folder / "new" / "suite.json", "--html", folder / "suite.html")
        printed = suite(clips, SUITE + MISSING, "--skip-missing", *outputs)
    assert printed.exit_code == 0, printed.output
    tree = json.loads((folder / "new" / "suite.json").read_text())
    return printed, SuiteReport.from_json(tree), (folder / "suite.html").read_text()


def test_each_scene_is_measured_as_one_evaluation_would(
    result: tuple[Result, SuiteReport, str], clips: Path, tmp_path: Path
) -> None:
    """The same clips, labels and profile give the same figures in `evaluate run`."""
    arguments = ["--train", clips / "training", "--test", clips / "testing", "--labels", clips / "labels.json"]
    run = CliRunner().invoke(
        app, ["evaluate", "run", "--profile", "quick", "--json", str(tmp_path / "run.json"), *map(str, arguments)]
    )
    assert run.exit_code == 0, run.output
    (expected,) = json.loads((tmp_path / "run.json").read_text())["profiles"]
    scene = next(scene for scene in result[1].profiles[0].scenes if scene.scene == "rush")
    service = expected["protocols"]["service"]
    for name, key in (("micro AUROC", "micro_auroc"), ("macro AUROC", "macro_auroc"), ("AUPR", "aupr")):
        assert scene.figure(name).value == pytest.approx(service[key], abs=1e-4)
    for budget in expected["budgets"]:
        assert scene.figure(f"event recall at {budget['name']}").value == budget["recall"]
        assert scene.figure(f"delay, median s, at {budget['name']}").value == pytest.approx(budget["delay_median_s"])
        assert scene.figure(f"false alarms per hour at {budget['name']}").value == pytest.approx(
            budget["false_alarms_per_hour"], rel=1e-3
        )


def test_scenes_stand_worst_first_with_their_roles(result: tuple[Result, SuiteReport, str]) -> None:
    printed, report, page = result
    (profile,) = report.profiles
    assert [(scene.scene, scene.role) for scene in profile.scenes] == [
        ("short", Role.HELD_OUT), ("rush", Role.DESIGN), ("calm", Role.HELD_OUT),
    ]  # fmt: skip
    assert "too little" in (profile.scenes[0].failed or "")
    lines = printed.stdout.splitlines()
    assert lines[0] == "took part in the design: rush"
    assert lines[1] == "held out of it: calm, short"
    assert lines[2] == "left out, because their files are not there: absent"
    assert lines[4].startswith("quick: short could not be measured; worst is rush (design): micro AUROC")
    assert "absent is left out" in printed.stderr
    assert "nowhere" in printed.stderr
    assert "quick, scene 1 of 3: rush" in printed.stderr
    assert "worst is rush (design)" in page
    assert "nowhere" not in page


def test_a_scene_with_boxes_has_region_measures(result: tuple[Result, SuiteReport, str]) -> None:
    rush = next(scene for scene in result[1].profiles[0].scenes if scene.scene == "rush")
    for name in ("RBDC", "TBDC"):
        assert (rush.figure(name).value or 0.0) > 0.5
    (tally,) = (clip.regions for clip in rush.clips if clip.name == "rush")
    assert tally is not None
    assert (tally.frames, len(tally.regions), len(tally.tracks)) == (80, 30, 1)


def test_a_normal_scene_has_false_alarms_only(result: tuple[Result, SuiteReport, str]) -> None:
    calm = next(scene for scene in result[1].profiles[0].scenes if scene.scene == "calm")
    assert calm.figure("micro AUROC").value is None
    assert calm.figure("RBDC").value is None
    assert calm.figure("normal frames above 99 %").value is not None
    for budget in calm.budgets:
        assert calm.figure(f"event recall at {budget}").value is None
        assert calm.figure(f"false alarms per hour at {budget}").value is not None
        check = calm.check(budget)
        assert check is not None
        assert check.normal_clips == 1
        assert check.hours >= 3 / 3600
    assert result[1].scene("calm").labels == "normal"


def test_events_are_in_time_when_the_alarm_opens_within_the_limit(result: tuple[Result, SuiteReport, str]) -> None:
    rush = next(scene for scene in result[1].profiles[0].scenes if scene.scene == "rush")
    for budget in rush.budgets:
        (delay_s,) = (delay for tally in rush.tally.at(budget) for delay in tally.delays_s)
        assert rush.figure(f"events in time at {budget}").value == float(delay_s <= 2.5)


def test_a_stored_suite_becomes_a_page_and_is_compared_with_another(
    result: tuple[Result, SuiteReport, str], tmp_path: Path
) -> None:
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(result[1].as_json()))
    made = CliRunner().invoke(app, ["evaluate", "report", str(path), "--html", str(tmp_path / "page.html")])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "page.html").read_text() == result[2]
    compared = CliRunner().invoke(app, ["evaluate", "compare", str(path), str(path)])
    assert compared.exit_code == 0, compared.output
    assert "0 of " in compared.output
    assert "scene short: not measured in the first report" in compared.output
    assert json.loads(CliRunner().invoke(app, ["evaluate", "compare", str(path), str(path), "--json"]).output)


def test_a_suite_and_one_evaluation_are_not_compared(result: tuple[Result, SuiteReport, str], tmp_path: Path) -> None:
    from sample_report import report

    suite_path, run_path = tmp_path / "suite.json", tmp_path / "run.json"
    suite_path.write_text(json.dumps(result[1].as_json()))
    run_path.write_text(json.dumps(report().as_json()))
    error = CliRunner().invoke(app, ["evaluate", "compare", str(run_path), str(suite_path)]).exception
    assert isinstance(error, RejectedError)
    assert "suite.json is of a suite" in str(error)


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (SUITE + MISSING, (), "absent: "),
        (SUITE.replace("boxes.json", "suite.toml"), (), "not there"),
        (SUITE.replace('"testing/calm.mp4"', '"labels.json"'), (), "is no video file"),
        (SUITE.replace('["training/a.mp4", "training/b.mp4"]', '["training/a.mp4", "training"]'), (), "two each"),
        (SUITE.replace('test = "testing"\nlabels = "labels', 'test = "training"\nlabels = "labels'), (), "calm, rush"),
        (SUITE, ("--json", "/dev/null/x"), "--json"),
        (SUITE, ("--base", "/nowhere", "--skip-missing"), "none of the 3 scenes is there"),
    ],
)
def test_what_is_wrong_is_refused_before_the_work(
    clips: Path, text: str, arguments: tuple[str, ...], said: str
) -> None:
    outcome = suite(clips, text, *arguments)
    assert isinstance(outcome.exception, PatchwatchError), outcome.output
    assert said in str(outcome.exception)
    assert "scene 1 of" not in outcome.output
