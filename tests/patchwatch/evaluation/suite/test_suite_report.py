"""A suite's report as JSON and as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sample_report import report
from sample_suite import BUDGET, clip, noisy_clips, scene, suite

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.statistics.region_criterion import RegionTally
from patchwatch.evaluation.suite.scene_result import FalseAlarmCheck
from patchwatch.evaluation.suite.stored_report import read_report
from patchwatch.evaluation.suite.suite_report import SuiteReport
from patchwatch.evaluation.suite.text_table import suite_lines

CHECK = FalseAlarmCheck(BUDGET, 4, 1, 2.0, 1, (0.5, 3.0), within=True)
BOXED = clip("x", anomalous=(0.9, 0.8), normal=(0.1,), events=(2, 3), delays_s=(0.5, 1.5), in_time=1, false_alarms=1,
             above=1, regions=RegionTally(3, (0.9, None), (0.9,), ()))  # fmt: skip


def test_a_report_survives_its_json(tmp_path: Path) -> None:
    found = suite(scene("a", [*noisy_clips(3, 1.0), BOXED], check=CHECK), events_within_s=1.0)
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(found.as_json()))
    assert read_report(path) == found
    assert (found.as_json()["kind"], found.as_json()["format"]) == ("suite", 1)


def test_reports_of_one_evaluation_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(report().as_json()))
    assert read_report(path) == report()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is not JSON"),
        ("[]", "is not a report"),
        ('{"kind": "suite", "format": 2}', "suite report of format 2, this program reads format 1"),
        ('{"kind": "suite", "format": 1}', "damaged suite report: version"),
    ],
)
def test_anything_else_is_refused_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(RejectedError, match=said) as caught:
        read_report(path)
    assert "x.json" in str(caught.value)
    with pytest.raises(RejectedError, match="No such file"):
        read_report(tmp_path / "nowhere.json")
    with pytest.raises(RejectedError, match="is not a report"):
        SuiteReport.from_json({"profiles": []})


def test_a_scene_that_is_not_listed_is_damage() -> None:
    tree = suite(scene("a", noisy_clips(2, 1.0))).as_json() | {"scenes": []}
    with pytest.raises(RejectedError, match="does not list the scenes a"):
        SuiteReport.from_json(tree)


def test_the_table_shows_every_figure_of_a_scene() -> None:
    lines = list(suite_lines(suite(scene("yard", [BOXED], check=CHECK), events_within_s=1.0)))
    (areas,) = (line.split() for line in lines if line.startswith("  yard") and "2.0 min" in line)
    assert areas == ["yard", "held-out", "2.0", "min", "1.000", "1.000", "1.000", "0.500", "1.000", "100", "%"]
    (alarms,) = (line for line in lines if line.startswith("  yard") and BUDGET in line)
    cells = alarms.split("  ")
    assert [cell.strip() for cell in cells if cell.strip()] == [
        "yard", "held-out", BUDGET, "2/3", "1 in 1 s", "0", "1.0/1.4", "180.0",
        "1 in 2.0 h (stated 0.5 to 3): inside",
    ]  # fmt: skip
