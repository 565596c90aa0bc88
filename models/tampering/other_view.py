"""A view that is not the usual one, as a camera last showed it: one that is still there hours later has lasted, though
no look at it was long. Recordings that movement begins see a night in looks of some seconds, and somebody who puts the
light on shows the day in between."""

from __future__ import annotations

from typing import Any, Self

from models.frames.stored_numbers import stored_time
from models.tampering.signature import CHANGED, CHANGED_BACK, Background, PictureSignature

LEAST_LOOKS = 2  # each of them a condition that is told of: whoever turns a camera is seen twice
KEPT_S = 129_600.0  # since it was last seen: from one night to the next, and over a long day


class OtherView:
    """Follows the pictures of one camera that are neither usual nor covered, also where the usual view is back in
    between. ``view``: what they show. Its `state` is all that the next needs."""

    def __init__(self) -> None:
        self.view = Background()
        self._since_s: float | None = None
        self._seen_s = 0.0
        self._looks = 0

    @classmethod
    def that_was_usual(cls, view: Background, at_s: float) -> Self:
        """One that was the usual view until then: when it comes back it has lasted already."""
        other = cls()
        other.view, other._since_s, other._seen_s, other._looks = view, at_s, at_s, LEAST_LOOKS
        return other

    def is_outdated(self, at_s: float) -> bool:
        """Whether it was seen so long ago that what comes now is another matter."""
        return not 0.0 <= at_s - self._seen_s <= KEPT_S

    def observe(self, signature: PictureSignature, at_s: float, elapsed_s: float) -> None:
        """Take a picture of another view than the usual one."""
        if self._since_s is not None and self.view.compare(signature).changed >= CHANGED:
            self.view.forget()  # a third view
            self._since_s = None
        if self._since_s is None:
            self._since_s, self._looks = at_s, 1
        elif elapsed_s == 0.0:  # the first picture after a gap
            self._looks = min(LEAST_LOOKS, self._looks + 1)
        self._seen_s = at_s
        self.view.learn(signature, elapsed_s)

    def has_lasted(self, signature: PictureSignature, at_s: float, least_s: float) -> bool:
        """Whether this picture shows it, so long after it was first seen, and it was seen in two looks before."""
        if self._since_s is None or at_s - self._since_s < least_s or self.is_outdated(at_s):
            return False
        if self._looks < LEAST_LOOKS or not self.view.known:
            return False
        difference = self.view.compare(signature)
        return difference.changed < CHANGED_BACK and not difference.recoloured

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {"since_s": self._since_s, "seen_s": self._seen_s, "looks": self._looks, "view": self.view.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Raises `ValueError` for one that no pictures lead to."""
        self.view.restore(state["view"])
        self._since_s = stored_time(state["since_s"])
        self._seen_s = stored_time(state.get("seen_s", state["since_s"]))  # unknown to earlier versions
        self._looks = max(1, min(LEAST_LOOKS, int(state["looks"])))
