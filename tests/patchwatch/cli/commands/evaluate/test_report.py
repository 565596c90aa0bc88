"""``patchwatch evaluate report``."""

from __future__ import annotations

import json
from pathlib import Path

from sample_report import report
from typer.testing import CliRunner

from patchwatch.cli.app import app
from patchwatch.contract.errors import RejectedError


def test_a_stored_evaluation_becomes_a_page(tmp_path: Path) -> None:
    stored, page = tmp_path / "result.json", tmp_path / "new folder" / "page.html"
    stored.write_text(json.dumps(report().as_json()))
    result = CliRunner().invoke(app, ["evaluate", "report", str(stored), "--html", str(page)])
    assert result.exit_code == 0, result.output
    assert page.read_text().startswith("<!doctype html>")


def test_what_is_no_evaluation_is_refused(tmp_path: Path) -> None:
    stored = tmp_path / "other.json"
    stored.write_text("{}")
    error = (
        CliRunner().invoke(app, ["evaluate", "report", str(stored), "--html", str(tmp_path / "page.html")]).exception
    )
    assert isinstance(error, RejectedError)
    assert str(stored) in str(error)
    assert not (tmp_path / "page.html").exists()
