"""Whether what changed between two pictures is more than a camera's own movements come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SELDOM_S = 0.5  # of pictures so far apart, whatever moves is farther than within reach: only many movers count
_MANY_PLACES = 8
_COMPARABLE = 0.4  # of what was missing before: as much is missing while one and the same thing goes on
_HALF_LIFE_S = 30.0  # in which the camera's own movements are forgotten
_APART_S = 1.0  # what comes again sooner is movement
_WARM_UP_S = 2.0  # without which nothing is known of them; a picture counts as half a second of it at most


@dataclass(frozen=True)
class Change:
    """Shares of the picture that appeared or went. ``unexplained``: farther than anything alike had been.
    ``unforeseen``: of that, what is also far from where anything moved before. ``places``: in how many.
    ``elsewhere``: the share of it that is not where something moved just before."""

    unexplained: float
    unforeseen: float
    places: int = 0
    elsewhere: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What surprises: chosen by bench/cuts.py, each scene's figures by limits that it had no part in.

    ``least_...``: shares of the picture, gone and come together; less matters to no stream. ``times_...``: of what the
    camera's own movements came to lately. ``places``: where movers are many, some vanish and others appear among
    them; a lorry is one. ``elsewhere``: less, and it is what moved already, only faster.
    """

    least_unforeseen: float = 0.003
    least_unexplained: float = 0.004
    times_unforeseen: float = 1.5
    times_unexplained: float = 2.5
    places: int = 2
    elsewhere: float = 0.05


class Surprise:
    """Learns what is ordinary as it goes: a lorry that fills the picture teaches it, and what comes again within a
    second is movement. `state` after a change is all that the next one needs."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._usual = Change(0.0, 0.0)  # the most, forgotten slowly
        self._doubtful: Change | None = None  # that surprised lately
        self._doubted_s = 0.0  # since then
        self._followed_s = 0.0  # until the warm-up is over

    def follow(self, change: Change, elapsed_s: float) -> bool:
        """Take the change between two pictures ``elapsed_s`` apart; returns whether it surprises."""
        exceeds = self._exceeds(change, elapsed_s > SELDOM_S)
        kept = 0.5 ** (elapsed_s / _HALF_LIFE_S)
        self._usual = Change(self._usual.unexplained * kept, self._usual.unforeseen * kept)
        self._doubted_s += elapsed_s
        warm = self._followed_s >= _WARM_UP_S - 1e-6
        self._followed_s = min(_WARM_UP_S, self._followed_s + min(elapsed_s, SELDOM_S))
        if warm and exceeds:
            return self._doubt(change)
        self._learn(change)
        return False

    def _exceeds(self, change: Change, seldom: bool) -> bool:
        usual, limits = self._usual, self._limits
        if not seldom and change.unforeseen > max(
            limits.least_unforeseen, limits.times_unforeseen * usual.unforeseen
        ):  # fmt: skip
            return True
        if change.places < (_MANY_PLACES if seldom else limits.places) or change.elsewhere < limits.elsewhere:
            return False
        return change.unexplained > max(limits.least_unexplained, limits.times_unexplained * usual.unexplained)

    def _doubt(self, change: Change) -> bool:
        before, self._doubtful = self._doubtful, change
        doubted_s, self._doubted_s = self._doubted_s, 0.0
        if before is None or doubted_s > _APART_S:
            return True
        self._learn(change)
        if change.unexplained > _COMPARABLE * before.unexplained:
            self._learn(before)
        return False

    def _learn(self, change: Change) -> None:
        usual = self._usual
        self._usual = Change(
            max(usual.unexplained, change.unexplained), max(usual.unforeseen, change.unforeseen)
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        doubtful = self._doubtful
        return {
            "usual": [self._usual.unexplained, self._usual.unforeseen],
            "doubtful": None if doubtful is None else [doubtful.unexplained, doubtful.unforeseen],
            "doubted_s": self._doubted_s,
            "followed_s": self._followed_s,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state, exactly. Raises `ValueError` for one that no changes lead to."""
        usual, doubtful = _change(state["usual"]), state["doubtful"]
        doubted_s, followed_s = float(state["doubted_s"]), float(state["followed_s"])
        if not (0.0 <= doubted_s < float("inf") and 0.0 <= followed_s <= _WARM_UP_S):
            raise ValueError(f"a stored doubt of {doubted_s} s ago, pictures of {followed_s} s: out of bounds")
        self._doubtful = None if doubtful is None else _change(doubtful)
        self._usual, self._doubted_s, self._followed_s = usual, doubted_s, followed_s


def _change(stored: list[Any]) -> Change:
    unexplained, unforeseen = (float(share) for share in stored)
    if not (0.0 <= unexplained <= 2.0 and 0.0 <= unforeseen <= 2.0):
        raise ValueError(f"a stored change of {stored}: both are shares")
    return Change(unexplained, unforeseen)
