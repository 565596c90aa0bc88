"""``patchwatch evaluate compare``."""

from __future__ import annotations

import json
from pathlib import Path

from sample_report import profile_result, report
from typer.testing import CliRunner, Result

from patchwatch.cli.app import app
from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.report.report import Report


def _file(folder: Path, name: str, found: Report) -> str:
    path = folder / name
    path.write_text(json.dumps(found.as_json()))
    return str(path)


def _compare(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", "compare", *arguments])


def test_what_changed_is_printed_and_what_did_not_is_counted(tmp_path: Path) -> None:
    before = _file(tmp_path, "a.json", report(profile_result(micro=0.9), profile_result("objects")))
    after = _file(tmp_path, "b.json", report(profile_result(micro=0.93), analysis_fps=10.0))
    result = _compare(before, after)
    assert result.exit_code == 0, result.output
    assert "analysis_fps: 5.0 -> 10.0" in result.output
    assert "objects: only in the first report" in result.output
    (row,) = [line.split() for line in result.output.splitlines() if line.startswith("motion ")]
    assert row == ["motion", "service", "micro", "AUROC", "0.9000", "0.9300", "+0.0300"]
    assert "figures are the same" in result.output


def test_the_same_file_twice_has_nothing_to_tell(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.json", report())
    result = _compare(path, path)
    assert result.output.split(maxsplit=1)[1] == "figures are the same\n"


def test_json_holds_every_figure(tmp_path: Path) -> None:
    before = _file(tmp_path, "a.json", report(profile_result(micro=0.9)))
    after = _file(tmp_path, "b.json", report(profile_result(micro=0.8)))
    result = json.loads(_compare(before, after, "--json").output)
    changes = {change["metric"]: change for change in result["changes"]}
    assert changes["service micro AUROC"]["difference"] < -0.09
    assert changes["paper micro AUROC"]["difference"] == 0
    assert result["only_after"] == []


def test_random_weights_are_said(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.json", report(profile_result("clip", random_weights=True)))
    assert "WARNING: clip (RANDOM WEIGHTS)" in _compare(path, path).output


def test_an_older_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"profile": "motion", "protocols": {}}))
    error = _compare(str(path), str(path)).exception
    assert isinstance(error, RejectedError)
    assert "format 1" in str(error)
