"""A generated sentence about an alert, and how far those who are asked for them are."""

from __future__ import annotations

from pydantic import Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.alerts.webhook import Progress
from patchwatch.messages.base import Message, RedactedText

MAX_SENTENCE = 300  # characters


class Sentence(Message):
    """What a model said of an alert's picture: text of a stranger, that decides nothing. ``peak_at_ms``: of the picture
    that it was shown."""

    text: RedactedText = Field(max_length=MAX_SENTENCE)
    model: RedactedText = Field("", max_length=100)
    at_ms: TimeMs
    peak_at_ms: TimeMs


class SentenceProgress(Progress):
    """``delivered``: sentences that were written; ``dead``: alerts that were given up. Others got none because of the
    rate (``limited``), because the server was away or busy until it was too late (``late``), or because there was no
    picture (``without_picture``)."""

    limited: Count = 0
    late: Count = 0
    without_picture: Count = 0
