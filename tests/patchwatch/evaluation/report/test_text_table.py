"""A report for a terminal."""

from __future__ import annotations

from dataclasses import replace

from sample_report import profile_result

from patchwatch.evaluation.report.text_table import table_lines


def test_profiles_stand_in_one_table_with_their_figures() -> None:
    text = list(table_lines([profile_result("motion"), profile_result("reference", micro=0.79)]))
    assert text[0].split()[:2] == ["profile", "scores"]
    assert "motion     service     0.900 [0.800, 0.970]  0.950 [0.900, 0.990]  0.850  1/1     0 in 0.01 h" in text[1]
    assert text[4].startswith("reference  service     0.790")
    assert "looks into the future" in "\n".join(text)
    assert "RANDOM" not in "\n".join(text)


def test_random_weights_are_said_in_the_row_itself() -> None:
    text = list(table_lines([profile_result("motion"), profile_result("clip", random_weights=True)]))
    rows = [line for line in text if "service     " in line]
    assert [("RANDOM WEIGHTS" in row) for row in rows] == [False, True]
    assert any(line.startswith("WARNING") for line in text)


def test_budgets_say_what_was_stated_and_what_was_seen() -> None:
    result = profile_result()
    text = "\n".join(table_lines([result]))
    assert "1 in 0.2 h (stated 0.1 to 0.5)" in text
    assert "note: a note" in text
    assert "note: short" in text
    budget = result.budgets[0]
    assert budget.held_out is not None
    outside = replace(budget, held_out=replace(budget.held_out, false_alarms=9, within=False))
    assert "OUTSIDE" in "\n".join(table_lines([replace(result, budgets=(outside,))]))
    bare = replace(budget, held_out=None, stated_per_day=None, delay_median_s=None, delay_p90_s=None)
    assert "OUTSIDE" not in "\n".join(table_lines([replace(result, budgets=(bare,))]))
