"""Reports as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sample_report import profile_result, report

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.report.report import Report


def test_a_report_survives_json(tmp_path: Path) -> None:
    result = report(profile_result(), profile_result("clip", random_weights=True))
    path = tmp_path / "report.json"
    path.write_text(json.dumps(result.as_json()))
    assert Report.read(path) == result


def test_random_weights_stand_in_the_name() -> None:
    assert profile_result("clip", random_weights=True).label == "clip (RANDOM WEIGHTS)"
    assert profile_result("clip").label == "clip"


def test_a_summary_leaves_out_what_is_long() -> None:
    result = profile_result().summary()
    assert result["protocols"]["service"]["micro_auroc"] == 0.9
    assert result["budgets"][0]["held_out"]["false_alarms"] == 1
    assert result["clips"][0]["events"][0]["first_frame"] == 3
    assert "picture" not in json.dumps(result)
    assert "timeline" not in json.dumps(result)


def test_an_older_report_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"profile": "motion", "protocols": {"service": {"micro_auroc": 0.9}}}))
    with pytest.raises(RejectedError, match=r"old\.json is a report of format 1.*run `patchwatch evaluate` again"):
        Report.read(path)


@pytest.mark.parametrize(
    ("text", "said"), [("nonsense", "is not JSON"), ("[]", "is not a report"), ('{"a": 1}', "is not a report")]
)
def test_other_files_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(RejectedError, match=said):
        Report.read(path)
    with pytest.raises(RejectedError, match="No such file"):
        Report.read(tmp_path / "nowhere.json")


def test_a_damaged_report_says_where() -> None:
    tree = report().as_json()
    tree["profiles"][0]["cost"]["total_ms"] = "much"
    with pytest.raises(RejectedError, match=r"damaged report: profiles\.0\.cost\.total_ms"):
        Report.from_json(tree)
