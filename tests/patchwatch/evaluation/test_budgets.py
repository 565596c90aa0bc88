"""Alarm budgets, and what a bank makes of them."""

from __future__ import annotations

import pytest

from patchwatch.evaluation.budgets import alarm_budgets, rule_at
from patchwatch.evaluation.evaluation import ProfileRun


def test_the_setting_s_own_budget_is_among_them_once() -> None:
    budgets = alarm_budgets(4.0)[:-1]
    assert [(one.per_day, one.is_setting) for one in budgets] == [(24.0, False), (4.0, True), (1.0, False)]
    assert [(one.name, one.is_setting) for one in alarm_budgets(0.5)][-2] == ("0.5 per day", True)


def test_the_last_one_is_the_provisional_level_of_the_setting(profile_run: ProfileRun) -> None:
    *_, setting, level = alarm_budgets(0.5)
    assert (level.name, level.per_day, level.is_setting) == ("provisional", 0.5, False)
    at_level, strict = rule_at(profile_run.bank, level), rule_at(profile_run.bank, setting)
    assert at_level.rule.on <= strict.rule.on
    assert at_level.warnings[0].startswith("still learning")


def test_fewer_false_alarms_ask_for_a_higher_threshold(profile_run: ProfileRun) -> None:
    thresholds = [rule_at(profile_run.bank, one).rule.on for one in alarm_budgets(0.5)[:-1]]
    assert thresholds == sorted(thresholds)
    for one in alarm_budgets(4.0):
        low, high = rule_at(profile_run.bank, one).stated_per_day
        assert 0 <= low <= high


def test_footage_too_short_for_a_budget_is_said(profile_run: ProfileRun) -> None:
    (warning,) = rule_at(profile_run.bank, alarm_budgets(4.0)[2]).warnings
    assert "normal footage" in warning


def test_the_rule_is_the_camera_s(profile_run: ProfileRun) -> None:
    assert rule_at(profile_run.bank, alarm_budgets(4.0)[1]).rule == profile_run.bank.rule
    assert profile_run.bank.false_alarms_per_day == pytest.approx(4.0)
