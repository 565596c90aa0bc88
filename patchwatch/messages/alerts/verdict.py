"""What operators say about an alert. The service alone writes it; the alert itself is the inference worker's."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.base import Message, RedactedText

MAX_NOTE_LENGTH = 500  # characters
MAX_STATEMENTS = 20  # kept of an alert
ALERT_FIELD = b"a"  # of an entry of the stream of alerts: the `Alert` that changed
VERDICT_FIELD = b"v"  # or else: the `VerdictChange`
CORRECTION_FIELD = b"c"  # or else: the `patchwatch.messages.cameras.correction.CorrectionChange`


class Verdict(StrEnum):
    """What an alert was, in the judgement of an operator."""

    NORMAL = "normal"  # it shows what is normal here
    NORMAL_AT_THIS_TIME = "normal_at_this_time"  # it shows what is normal here at this hour
    ANOMALY = "anomaly"  # it was right to alert
    UNSURE = "unsure"  # somebody looked, and cannot say

    @property
    def counted_as(self) -> str:
        """The word of `VerdictCounts`."""
        return "normal" if self is Verdict.NORMAL_AT_THIS_TIME else self.value


class Statement(BaseModel):
    """One operator's word. Without a verdict it takes back the one before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    verdict: Verdict | None = None
    weekly: bool = False  # of `normal_at_this_time`: on this day of the week only
    note: RedactedText = ""
    by: RedactedText
    at_ms: TimeMs

    def repeats(self, other: Statement | None) -> bool:
        """Whether it says the same, whoever says it and when."""
        return other is not None and self._said == other._said

    @property
    def _said(self) -> tuple[Verdict | None, bool, str]:
        return self.verdict, self.weekly, self.note


class AlertVerdicts(Message):
    """All that was said of one alert: the last `MAX_STATEMENTS`, oldest first. The last one counts."""

    statements: tuple[Statement, ...] = Field((), max_length=MAX_STATEMENTS)

    @property
    def current(self) -> Statement | None:
        """The statement that counts; None while there is none, and once it was taken back."""
        last = self.statements[-1] if self.statements else None
        return last if last is not None and last.verdict is not None else None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict that counts."""
        return self.current.verdict if self.current else None

    def followed_by(self, statement: Statement) -> AlertVerdicts:
        """With one more statement; the oldest one goes when there are too many."""
        return self.model_copy(update={"statements": (*self.statements, statement)[-MAX_STATEMENTS:]})


class VerdictChange(Message):
    """An entry of the stream of alerts: what now counts of an alert, as this was when it was said."""

    alert: Alert
    statement: Statement


def tells_of_alert(fields: Mapping[bytes, bytes]) -> bool:
    """Whether an entry of the stream is a change of an alert itself, even one that cannot be read."""
    return VERDICT_FIELD not in fields and CORRECTION_FIELD not in fields


class VerdictCounts(BaseModel):
    """How many alerts of one camera have which verdict; `normal_at_this_time` counts as normal."""

    model_config = ConfigDict(frozen=True)

    normal: int = 0
    anomaly: int = 0
    unsure: int = 0


COUNTED_WORDS = tuple(VerdictCounts.model_fields)
