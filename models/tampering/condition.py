"""A condition of a camera's picture while it lasts and after."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ConditionKind(StrEnum):
    """What is wrong with the picture as a whole."""

    FROZEN = "frozen"  # frames arrive, the picture does not change
    COVERED = "covered"  # black, or without any detail
    SCENE_CHANGED = "scene_changed"  # another view, or an infrared switch
    BLIND = "blind"  # pictures come, but nothing can be told from them
    SHAKING = "shaking"  # the picture as a whole moves to and fro
    FLICKERING = "flickering"  # bars of light roll through it


@dataclass(frozen=True)
class Condition:
    """Times in seconds on the frames' clock; ``ended_s`` is None while it lasts. ``learnt``: it ended because what
    it began with is the usual picture now."""

    kind: ConditionKind
    started_s: float
    opened_s: float
    ended_s: float | None = None
    learnt: bool = False
