"""What changed between two reports."""

from __future__ import annotations

import pytest
from sample_report import profile_result, report

from patchwatch.evaluation.report.comparison import compare


def test_equal_reports_differ_in_nothing() -> None:
    result = compare(report(), report())
    assert not result.settings
    assert not result.only_before
    assert not result.only_after
    assert result.changes
    assert all(change.difference == 0 for change in result.changes if change.before is not None)


def test_a_figure_that_moved_has_its_difference() -> None:
    result = compare(report(profile_result(micro=0.9)), report(profile_result(micro=0.93)))
    (moved,) = [change for change in result.changes if change.difference]
    assert (moved.profile, moved.metric) == ("motion", "service micro AUROC")
    assert (moved.before, moved.after) == (0.9, 0.93)
    assert moved.difference == pytest.approx(0.03)


def test_settings_that_differ_and_profiles_of_one_report_are_named() -> None:
    before = report(profile_result("motion"), profile_result("objects"))
    after = report(profile_result("motion"), profile_result("clip"), analysis_fps=10.0)
    result = compare(before, after)
    assert [(one.name, one.before, one.after) for one in result.settings] == [("analysis_fps", "5.0", "10.0")]
    assert (result.only_before, result.only_after) == (("objects",), ("clip",))
    assert {change.profile for change in result.changes} == {"motion"}


def test_random_weights_in_one_of_them_are_a_difference() -> None:
    result = compare(report(profile_result("clip")), report(profile_result("clip", random_weights=True)))
    assert [one.name for one in result.settings] == ["clip: networks"]
