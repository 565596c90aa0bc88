"""What a correction does, in words for the operator who made it."""

from __future__ import annotations

from patchwatch.messages.alerts.verdict import Verdict
from patchwatch.messages.cameras.correction import Correction, CorrectionKind
from service.context import Context

_EFFECTS = {
    CorrectionKind.NORMAL: "within seconds, what it shows raises no alert here any more",
    CorrectionKind.NORMAL_AT_THIS_TIME: "within seconds, what it shows raises no alert at these hours any more",
    CorrectionKind.LEARN: "within seconds, what was seen then raises no alert any more",
    CorrectionKind.RECURRING: "within seconds, what it shows raises no alert at these hours any more",
    CorrectionKind.LASTING: "a new bank learns how the scene looks now, within minutes",
    CorrectionKind.ANOMALY: "no bank learns from it",
    CorrectionKind.FORGET: "no bank learns from it from now on",
}
_UNDONE_ADDITION = "within seconds, scores are what they would be had it never been said"
_UNDONE_LASTING = "a new bank is learnt without what was seen since then, within minutes"
_UNDONE_REJECTION = "banks may learn from that time again"


async def effect_of(context: Context, camera_id: str, correction: Correction) -> str:
    """Why it changes no score, where that is known by now; else what it does."""
    if correction.adds and context.settings.memory_mb == 0:
        return "it changes no score: nothing is remembered of the cameras, as PATCHWATCH_MEMORY_MB is 0"
    from_ms = await context.store.corrections.remembered_from_ms(camera_id) if correction.adds else None
    if from_ms is not None and max(span.until_ms for span in correction.spans) < from_ms:
        return "it changes no score: nothing is remembered of that time any more"
    return _EFFECTS[correction.kind]


def effect_of_undoing(correction: Correction) -> str:
    """What happens once it is taken back."""
    if correction.kind is CorrectionKind.LASTING:
        return _UNDONE_LASTING
    return _UNDONE_ADDITION if correction.adds else _UNDONE_REJECTION


def effect_of_words(verdict: Verdict | None) -> str:
    """Of a verdict that makes no correction."""
    return "no score changes" if verdict else _UNDONE_ADDITION
