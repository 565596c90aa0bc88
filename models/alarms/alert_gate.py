"""How far the scores of a camera may become events."""

from __future__ import annotations

from enum import StrEnum


class AlertGate(StrEnum):
    """What a frame's score is worth, as the condition of the picture has it. The score itself is always computed."""

    FULL = "full"
    HELD = "held"  # a transition of the whole picture: an open event stays as it is, none opens
    OFF = "off"  # a condition lasts: an open event closes, none opens
