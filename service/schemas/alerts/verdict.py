"""Operators' verdicts as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.alert import Alert, AlertView
from patchwatch.messages.alerts.sentence import Sentence
from patchwatch.messages.alerts.verdict import MAX_NOTE_LENGTH, MAX_STATEMENTS, AlertVerdicts, Statement, Verdict
from service.schemas.request import RequestBody

MOST_AT_ONCE = 100  # alerts that one request judges
_MEANING = (
    "`normal`: it shows what is normal here. `normal_at_this_time`: at this hour. `anomaly`: it was right to alert. "
    "`unsure`: somebody looked, and cannot say."
)


class NewVerdict(RequestBody):
    """What the alert was, in the judgement of who looked at it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"verdict": "normal", "note": "the cleaner"}]})

    verdict: Verdict = Field(description=_MEANING)
    weekly: bool = Field(
        False, description="Of `normal_at_this_time`: on this day of the week only, instead of every day."
    )
    note: Annotated[str, Field(max_length=MAX_NOTE_LENGTH)] = Field(
        "", description="A line of plain text, for whoever reads the verdict later."
    )


class VerdictView(BaseModel):
    """A verdict that counts."""

    verdict: Verdict = Field(description=_MEANING, examples=["normal"])
    note: str = Field(examples=["the cleaner"])
    by: str = Field(description="Who gave it. With one token for everybody this is `operator`.", examples=["operator"])
    at: Time

    @classmethod
    def from_statement(cls, statement: Statement | None) -> Self | None:
        """None where no verdict counts."""
        if statement is None or statement.verdict is None:
            return None
        return cls(verdict=statement.verdict, note=statement.note, by=statement.by, at=statement.at_ms)


class StatementView(BaseModel):
    """A verdict that was given, or, with a null `verdict`, taken back."""

    verdict: Verdict | None = Field(examples=["normal"])
    note: str = Field(examples=["the cleaner"])
    by: str = Field(examples=["operator"])
    at: Time

    @classmethod
    def from_statement(cls, statement: Statement) -> Self:
        return cls(verdict=statement.verdict, note=statement.note, by=statement.by, at=statement.at_ms)


class VerdictHistory(BaseModel):
    """The verdict on an alert, and all that was said before."""

    verdict: VerdictView | None = Field(description="The one that counts; null: none does.")
    history: list[StatementView] = Field(description=f"Oldest first, at most the last {MAX_STATEMENTS}.")

    @classmethod
    def from_record(cls, verdicts: AlertVerdicts) -> Self:
        return cls(
            verdict=VerdictView.from_statement(verdicts.current),
            history=[StatementView.from_statement(statement) for statement in verdicts.statements],
        )


class GeneratedView(BaseModel):
    """What a model wrote about the picture. It decides nothing, and may be wrong."""

    sentence: str = Field(examples=["A person is lying in front of the gate."])
    model: str = Field(examples=["qwen2.5vl:7b"])
    at: Time

    @classmethod
    def from_sentence(cls, sentence: Sentence | None) -> Self | None:
        """None where none was written."""
        return cls(sentence=sentence.text, model=sentence.model, at=sentence.at_ms) if sentence else None


class ReviewedAlertView(AlertView):
    """An event of one camera, and what an operator says about it. ``id`` stays the same over all its changes."""

    verdict: VerdictView | None = Field(description="What counts of all that operators said; null: nothing does.")
    reviewed: bool = Field(description="Whether it has a verdict, `unsure` included.", examples=[True])
    generated: GeneratedView | None = Field(
        None,
        description="A generated sentence about its picture, where PATCHWATCH_SENTENCE_URL is set; null until it is "
        "written, and in what is pushed.",
    )

    @classmethod
    def from_records(
        cls, alert: Alert, statement: Statement | None, base: str = "", sentence: Sentence | None = None
    ) -> Self:
        """``base``: what the links begin with, where the service is not at the root of its host."""
        verdict, generated = VerdictView.from_statement(statement), GeneratedView.from_sentence(sentence)
        event = dict(AlertView.from_alert(alert, base))
        return cls(**event, verdict=verdict, reviewed=verdict is not None, generated=generated)


class JudgedAlertView(ReviewedAlertView):
    """An alert whose verdict was just given or taken back."""

    effect: str = Field(description="What the verdict does to the scores, for people.")

    @classmethod
    def judged(cls, view: ReviewedAlertView, effect: str) -> Self:
        return cls(**dict(view), effect=effect)


class NewVerdicts(NewVerdict):
    """What several alerts were."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"verdict": "normal", "alert_ids": ["gate-1795860000000"]}]}
    )

    alert_ids: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=MOST_AT_ONCE)] = (
        Field(description=f"Each once, at most {MOST_AT_ONCE}.")
    )


class RefusedVerdict(BaseModel):
    """An alert that got no verdict."""

    alert_id: str
    reason: str = Field(description="Why, and what to do.")


class GivenVerdicts(BaseModel):
    """What became of verdicts that were given together."""

    judged: list[JudgedAlertView]
    refused: list[RefusedVerdict]
