"""False alarms on normal footage that was held out."""

from __future__ import annotations

import pytest

from models.engine.engine import Engine
from patchwatch.contract.errors import InsufficientFootageError
from patchwatch.evaluation.budgets import alarm_budgets
from patchwatch.evaluation.evaluation import ProfileRun
from patchwatch.evaluation.folds import check_held_out, is_within


def test_every_clip_is_held_out_once(engine: Engine, profile_run: ProfileRun) -> None:
    longer = [*profile_run.training, *profile_run.training]
    results = check_held_out(engine, longer, alarm_budgets(4.0), folds=2)
    assert len(results) == 4
    for result in results:
        assert (result.folds, result.clips) == (2, 4)
        assert result.hours == pytest.approx(4 * 15.8 / 3600, rel=0.01)
        assert result.false_alarms == 0  # the other half holds the same clips
        assert result.within
    assert results[0].expected is not None


def test_too_little_footage_is_not_hidden(engine: Engine, profile_run: ProfileRun) -> None:
    short = [type(clip)(clip.name, clip.frames[:20]) for clip in profile_run.training]
    with pytest.raises(InsufficientFootageError):
        check_held_out(engine, short, alarm_budgets(4.0))
    with pytest.raises(ValueError, match="two clips"):
        check_held_out(engine, short[:1], alarm_budgets(4.0))


@pytest.mark.parametrize(
    ("events", "expected", "within"),
    [
        (0, (0.0, 0.1), True),
        (3, (0.0, 0.1), False),
        (0, (0.001, 20.0), True),
        (0, (8.0, 20.0), False),
        (10, (8.0, 20.0), True),
        (31, (8.0, 20.0), False),
    ],
)
def test_a_count_is_within_where_some_stated_rate_explains_it(
    events: int, expected: tuple[float, float], within: bool
) -> None:
    assert is_within(events, expected) is within
