"""A verdict on a lasting change has it learnt, or keeps it from being learnt; both are taken back with it."""

from __future__ import annotations

import pytest

from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.verdict import Statement, Verdict
from patchwatch.messages.cameras.correction import CameraCorrections, CorrectionKind
from service.store.alerts.verdict_corrections import corrected

ALERT = Alert(
    id="gate-lasting_change-1000", camera_id="gate", kind=AlertKind.LASTING_CHANGE, state=AlertState.OPEN,
    started_at_ms=100_000, opened_at_ms=200_000, peak_at_ms=200_000, profile="scene",
)  # fmt: skip
NOBODY = CameraCorrections(camera_id="gate")


def said(verdict: Verdict | None, at_ms: int = 300_000) -> Statement:
    return Statement(verdict=verdict, by="operator", at_ms=at_ms)


@pytest.mark.parametrize(
    ("verdict", "kind"), [(Verdict.NORMAL, CorrectionKind.LASTING), (Verdict.ANOMALY, CorrectionKind.ANOMALY)]
)
def test_the_word_is_about_all_that_was_seen_of_it(verdict: Verdict, kind: CorrectionKind) -> None:
    [one] = corrected(NOBODY, ALERT, said(verdict)).corrections
    assert (one.kind, one.alert_ids, one.by) == (kind, (ALERT.id,), "operator")
    assert (one.spans[0].from_ms, one.spans[0].until_ms) == (95_000, 305_000)


def test_taken_back_the_word_is_learnt_no_more() -> None:
    after = corrected(corrected(NOBODY, ALERT, said(Verdict.NORMAL)), ALERT, said(None, 400_000))
    assert after.learnt_spans() == ()
    assert [(span.from_ms, span.until_ms) for span in after.rejected_spans()] == [(95_000, 400_000)]


def test_words_about_hours_change_nothing() -> None:
    assert corrected(NOBODY, ALERT, said(Verdict.NORMAL_AT_THIS_TIME)) == NOBODY
    assert corrected(NOBODY, ALERT, said(Verdict.UNSURE)) == NOBODY
