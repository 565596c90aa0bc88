"""The rules lose no alert and repeat none, whatever the results."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.alerts.webhook import Progress
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.retry_policy import AlertEntry, RetryPolicy, advanced

NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
ALERT = Alert(
    id="a", camera_id="door", state=AlertState.OPEN, started_at_ms=1, opened_at_ms=2, peak_at_ms=2, peak_score=0.9,
    threshold=0.8, profile="motion", bank_id="b",
)  # fmt: skip


def rules(jitter: float = 1.0, **settings: object) -> RetryPolicy:
    return RetryPolicy(Settings(**settings), jitter=lambda: jitter)  # type: ignore[arg-type]


def entry(number: int, wanted: bool = True, age_ms: int = 0) -> AlertEntry:
    return AlertEntry(f"{NOW_MS - age_ms}-{number}", ALERT, wanted)


def test_pauses_double_up_to_the_longest() -> None:
    progress, waits = Progress(), []
    for _ in range(6):
        progress = rules(webhook_retry_max_s=10.0).after_failure(progress, DeliveryResult(ResultKind.AWAY), NOW_MS)
        waits.append((progress.retry_at_ms - NOW_MS) / 1000)
    assert waits == [1, 2, 4, 8, 10, 10]


def test_pauses_have_jitter_unless_the_receiver_names_a_longer_one() -> None:
    away = DeliveryResult(ResultKind.AWAY)
    assert rules(jitter=0.75).after_failure(Progress(), away, NOW_MS).retry_at_ms == NOW_MS + 750
    assert (
        rules(jitter=0.75).after_failure(Progress(), DeliveryResult(ResultKind.AWAY, wait_s=60), NOW_MS).retry_at_ms
        == NOW_MS + 60_000
    )


def test_a_success_ends_the_pauses() -> None:
    away = rules().after_failure(Progress(), DeliveryResult(ResultKind.AWAY), NOW_MS)
    after = rules().decide(away, entry(0), [], DeliveryResult(ResultKind.DELIVERED), NOW_MS).progress
    assert (after.streak, after.retry_at_ms, after.delivered, after.failed) == (0, 0, 1, 1)


def test_a_receiver_that_is_away_is_waited_for_as_long_as_the_alert_is_young() -> None:
    progress, away = Progress(), DeliveryResult(ResultKind.AWAY, "x")
    for _ in range(1000):
        decision = rules().decide(progress, entry(0, age_ms=23 * HOUR_MS), [], away, NOW_MS)
        progress = decision.progress
        assert decision.dead_letters == ()
    assert progress.passed == progress.dead == 0


def test_all_that_are_too_old_are_given_up_up_to_the_first_young_one() -> None:
    old, unwanted, younger = entry(0, age_ms=25 * HOUR_MS), entry(1, False, 25 * HOUR_MS), entry(2, age_ms=HOUR_MS)
    decision = rules().decide(
        Progress(), old, [unwanted, entry(3, age_ms=25 * HOUR_MS), younger], DeliveryResult(ResultKind.AWAY), NOW_MS
    )
    assert [letter.attempts for letter in decision.dead_letters] == [1, 0]
    assert (decision.progress.passed, decision.progress.dead) == (3, 2)


@pytest.mark.parametrize(
    ("status", "retry_after", "expected"),
    [
        (200, None, DeliveryResult(ResultKind.DELIVERED)),
        (204, "7", DeliveryResult(ResultKind.DELIVERED)),
        (429, "7", DeliveryResult(ResultKind.AWAY, "HTTP 429", 7.0)),
        (503, "9999999", DeliveryResult(ResultKind.AWAY, "HTTP 503", 3600.0)),
        (503, "Fri, 01 Jan 1999 00:00:00 GMT", DeliveryResult(ResultKind.AWAY, "HTTP 503", 0.0)),
        (503, "Fri, 01 Jan 2999 00:00:00 GMT", DeliveryResult(ResultKind.AWAY, "HTTP 503", 3600.0)),
        (503, "soon", DeliveryResult(ResultKind.AWAY, "HTTP 503")),
        (503, "-5", DeliveryResult(ResultKind.AWAY, "HTTP 503")),
        (500, "7", DeliveryResult(ResultKind.FAILED, "HTTP 500", 7.0)),
        (404, "7", DeliveryResult(ResultKind.REJECTED, "HTTP 404")),
    ],
)
def test_answers_mean_what_they_say(status: int, retry_after: str | None, expected: DeliveryResult) -> None:
    assert DeliveryResult.from_status(status, retry_after) == expected


results = st.builds(DeliveryResult, st.sampled_from(ResultKind), st.just("why"), st.none() | st.floats(0, 3600))
ages_ms = st.integers(0, 30 * HOUR_MS)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), ages_ms), min_size=1, max_size=8).map(sorted),
    st.lists(results, min_size=1, max_size=40),
)
def test_every_wanted_alert_is_delivered_given_up_or_still_to_come(
    spec: list[tuple[bool, int]], answers: list[DeliveryResult]
) -> None:
    ages = sorted((age for _, age in spec), reverse=True)
    entries = [entry(number, wanted, age) for number, ((wanted, _), age) in enumerate(zip(spec, ages, strict=True))]
    progress, attempts, dead = Progress(), 0, 0
    for result in answers:
        while progress.passed < len(entries) and not entries[progress.passed].wanted:
            progress = advanced(progress, entries[progress.passed])
        if progress.passed == len(entries):
            break
        head, *later = entries[progress.passed :]
        decision = rules().decide(progress, head, later, result, NOW_MS)
        progress, attempts, dead = decision.progress, attempts + 1, dead + len(decision.dead_letters)
    assert progress.position == (entries[progress.passed - 1].id if progress.passed else "0-0")
    assert progress.delivered + progress.dead == sum(one.wanted for one in entries[: progress.passed])
    assert progress.dead == dead
    assert progress.delivered + progress.failed == attempts
