"""The words of messages: ours and those of templates, which can do nothing else."""

from __future__ import annotations

import pytest

from patchwatch.contract.errors import RejectedError
from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.alerts.channel import NoticeKind
from patchwatch.messages.alerts.incident import Incident, IncidentAlert
from patchwatch.notifier.context import incident_context, sample_context, trial_context, words_of
from patchwatch.notifier.protocol import MAX_TEXT, MAX_TITLE
from patchwatch.notifier.text import title_and_text


def alert(**fields: object) -> Alert:
    known = {
        "id": "gate-1", "camera_id": "gate", "state": "open", "started_at_ms": 0, "opened_at_ms": 0, "peak_at_ms": 0,
        "peak_score": 0.9, "threshold": 0.6, "profile": "motion",
    }  # fmt: skip
    return Alert.model_validate(known | fields)


def test_our_words_for_a_test_and_for_an_end() -> None:
    assert title_and_text("", "", trial_context(), strict=True) == (
        "Patchwatch: a test", "This channel works: alerts will arrive here.",
    )  # fmt: skip
    ended = IncidentAlert(alert=alert(state="closed", ended_at_ms=61_000), updates=2)
    incident = Incident(id="1-0", begun_at_ms=0, alerts=(ended,), also=("yard-1",))
    context = incident_context(NoticeKind.OVER, incident, {"gate": "Gate"}, "UTC", {}, {})
    assert title_and_text("", "", context, strict=True) == (
        "Over: Gate", "1970-01-01 00:00:00  Gate: something unusual, score 0.90, lasted 61 s, rose 2 times\nand 1 more",
    )  # fmt: skip


def test_a_generated_sentence_is_called_one_and_fills_no_template() -> None:
    incident = Incident(id="1-0", begun_at_ms=0, alerts=(IncidentAlert(alert=alert()),))
    sentences = {alert().id: "{{ link }} A person lies there."}
    context = incident_context(NoticeKind.ALERT, incident, {}, "UTC", {"link": "https://h"}, sentences)
    assert "\nGenerated: {{ link }} A person lies there.\n" in title_and_text("", "", context)[1]
    assert title_and_text("", "{{ alerts[0].generated }}", context)[1] == "{{ link }} A person lies there."


def test_every_kind_of_alert_has_words() -> None:
    told = {kind: words_of(alert(kind=kind)) for kind in AlertKind}
    assert len(set(told.values())) == len(AlertKind)


def test_the_sample_has_every_name_that_a_message_has() -> None:
    incident = Incident(id="1-0", begun_at_ms=0, alerts=(IncidentAlert(alert=alert()),))
    real = incident_context(NoticeKind.ALERT, incident, {}, "UTC", {}, {})
    assert real.keys() == sample_context().keys() == trial_context().keys()
    assert real["alerts"][0].keys() == sample_context()["alerts"][0].keys()


@pytest.mark.parametrize(
    "template",
    [
        "{{ cameras.__class__ }}", "{{ ''.__class__.__mro__ }}", "{{ cameras.append('x') }}", "{{ nothing }}", "{% if",
        "{{ 1 / 0 }}", "{% include 'x' %}", "{{ range(10**9) | list }}", "{{ cycler.__init__.__globals__ }}",
        "{{ alerts[0].nothing }}", "{% for a in alerts recursive %}{{ loop(alerts) }}{% endfor %}",
    ],
)  # fmt: skip
def test_a_template_that_is_wrong_or_reaches_out_is_refused(template: str) -> None:
    with pytest.raises(RejectedError, match=r"^body: is no template that can be filled: "):
        title_and_text("", template, sample_context(), strict=True)


def test_a_message_is_cut_and_its_title_stays_on_one_line() -> None:
    title, text = title_and_text("a\nb{{ 'x' * 1000 }}", "{% for i in range(99999) %}0123456789{% endfor %}", {})
    assert (title[:3], len(title), len(text)) == ("a b", MAX_TITLE, MAX_TEXT)


def test_a_camera_cannot_write_lines_of_its_own() -> None:
    incident = Incident(id="1-0", begun_at_ms=0, alerts=(IncidentAlert(alert=alert()),))
    context = incident_context(NoticeKind.ALERT, incident, {"gate": "a\n\u202eb" * 100}, "UTC", {}, {})
    assert title_and_text("", "", context)[1].count("\n") == 0
