"""What a lasting change is, in words for the operator: what, since when, and what to do."""

from __future__ import annotations

import time

from models.memory.lasting_change import SUSPECTED_MS, LastingChange

_THIRD = 1 / 3


def in_short(change: LastingChange) -> str:
    """What changed and since when: ``the picture is shifted by ... since 15:06``."""
    if change.shift is not None:
        return f"the picture is shifted {_shift(change)} since {_clock(change.since_ms)}: the camera was nudged"
    return (
        f"{_where(change.box)} of the picture something came, went or was moved, and has stood still since "
        f"{_clock(change.since_ms)}"
    )


def while_pending(change: LastingChange, alert_id: str, now_ms: int) -> str:
    """Of the alert that opens now."""
    what = "if the camera should stand as before, put it back" if change.shift else "look whether it belongs there"
    learnt_ms = max(change.since_ms + change.needed_ms, now_ms + change.needed_ms - SUSPECTED_MS)
    return (
        f"{in_short(change)}: {what}; it becomes normal by itself at about {_clock(learnt_ms)}, at once with "
        f"`patchwatch alerts normal {alert_id}`, and never with `patchwatch alerts confirm {alert_id}`"
    )


def once_learnt(change: LastingChange, camera_id: str, correction_id: str) -> str:
    """Of the alert that closes."""
    return (
        f"{in_short(change)}: it is normal from now on, and a new bank learns it; take it back with "
        f"`patchwatch cameras undo {camera_id} {correction_id}`"
    )


def _shift(change: LastingChange) -> str:
    assert change.shift is not None
    across, along = change.shift.right, change.shift.down
    parts = [
        f"{abs(share):.1%} of its {size} {way}"
        for share, size, way in (
            (across, "width", "to the right" if across > 0 else "to the left"),
            (along, "height", "down" if along > 0 else "up"),
        )
        if abs(share) >= 0.002
    ]
    return "by " + " and ".join(parts)


def _where(box: tuple[float, float, float, float]) -> str:
    left, top, right, bottom = box
    row = _of_three((top + bottom) / 2, "at the top", "in the middle", "at the bottom")
    column = _of_three((left + right) / 2, "on the left", "", "on the right")
    if right - left > 2 * _THIRD and bottom - top > 2 * _THIRD:
        return "in several parts"
    return f"{row} {column}".strip()


def _of_three(share: float, first: str, second: str, third: str) -> str:
    return first if share < _THIRD else second if share < 2 * _THIRD else third


def _clock(at_ms: int) -> str:
    return time.strftime("%H:%M", time.localtime(at_ms / 1000))
