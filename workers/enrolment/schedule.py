"""When a camera learns by itself: often while little is remembered of it, then ever more seldom, at last weekly."""

from __future__ import annotations

from dataclasses import dataclass

from patchwatch.messages.banks.arming import MemoryExtent

REMEMBERED_S = (180.0, 600.0, 1800.0)  # a further bank each time so much is remembered
WATCHED_S = (3600.0, 21_600.0, 86_400.0, 259_200.0)  # ... and each time the memory reaches back so far
EVERY_S = 604_800.0  # ... and then always after so long
UNLIKE_EVERY_S = 1800.0  # at most so often for a view that the bank does not know
RETRY_S = 3600.0  # after learning failed, unless the next of these steps comes first


@dataclass(frozen=True)
class Attempt:
    """The last time that a camera learnt by itself, or tried to: from how much, and whether a bank came of it."""

    extent: MemoryExtent
    succeeded: bool = True


@dataclass(frozen=True)
class Decision:
    """``due``: learn now. ``next_step``: when else, for people."""

    due: bool
    next_step: str


def decide(
    extent: MemoryExtent, last: Attempt | None, first_bank_s: float, unlike_s: float = 0.0, *, changed: bool = False
) -> Decision:
    """Whether a camera of which so much is remembered should learn now. ``first_bank_s``: what the first bank takes.
    ``unlike_s``: seconds remembered since the last attempt that are not like what was learnt before. ``changed``: a
    lasting change of the scene was admitted or taken back since.

    All times are those of the memory itself, so that a camera of which nothing new is remembered learns nothing new,
    whatever the clocks do.
    """
    if extent.seconds < first_bank_s:
        return Decision(
            False, f"the first bank is learnt from {first_bank_s:.0f} s, {extent.seconds:.0f} s are remembered"
        )
    if last is None or last.extent.identity != extent.identity or last.extent.until_ms <= extent.from_ms:
        return Decision(True, "it learns in a moment")  # of what that bank was learnt from nothing is left
    if changed:
        return Decision(True, "it learns how the scene has changed in a moment")
    newer_s = (extent.until_ms - last.extent.until_ms) / 1000
    again_s = EVERY_S if last.succeeded else RETRY_S
    if unlike_s >= first_bank_s and newer_s >= UNLIKE_EVERY_S:
        return Decision(True, "it learns a view that is new in a moment")
    if step_of(extent, first_bank_s) > step_of(last.extent, first_bank_s) or newer_s >= again_s:
        return Decision(True, "it learns in a moment")
    return Decision(False, _next_step(extent, first_bank_s))


def step_of(extent: MemoryExtent, first_bank_s: float) -> int:
    """How many of the steps are passed; 0 before the first bank."""
    if extent.seconds < first_bank_s:
        return 0
    remembered = sum(first_bank_s < step_s <= extent.seconds for step_s in REMEMBERED_S)
    return 1 + remembered + sum(step_s <= extent.span_s for step_s in WATCHED_S)


def _next_step(extent: MemoryExtent, first_bank_s: float) -> str:
    remembered = next((step_s for step_s in REMEMBERED_S if step_s > max(extent.seconds, first_bank_s)), None)
    if remembered is not None:
        return f"it learns again from {remembered / 60:.0f} min, {extent.seconds / 60:.1f} min are remembered"
    watched = next((step_s for step_s in WATCHED_S if step_s > extent.span_s), None)
    if watched is not None:
        return f"it learns again when its memory reaches back {watched / 3600:.0f} h"
    return "it learns again every week"
