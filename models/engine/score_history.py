"""What the next score of a camera depends on, beside its bank: the frames before, as far as they count."""

from __future__ import annotations

from typing import Any, Self

from models.alarms.calibration import NEUTRAL_RARITY, score_of
from models.frames.stored_numbers import stored_share
from models.profiles.fusion import CausalGaussian
from models.profiles.lasting import LastingMeans
from models.profiles.profile import Profile


class ScoreHistory:
    """``score``: of the last frame with evidence, by ``smoothing``. ``lasting``: of the profile's groups, None where
    nothing of them that lasts counts."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.smoothing = CausalGaussian(profile.smoothing_s)
        self.lasting = LastingMeans(profile.lasting) if profile.lasting else None
        self.score = score_of(NEUTRAL_RARITY)

    def forget(self) -> None:
        """Begin again: nothing before may be compared with what comes."""
        self.smoothing.clear()
        if self.lasting is not None:
            self.lasting.clear()
        self.score = score_of(NEUTRAL_RARITY)

    def copy(self) -> Self:
        """Another that goes on from here by itself."""
        other = type(self)(self._profile)
        other.restore(*self.state())
        return other

    def state(self) -> list[Any]:
        """JSON values that `restore` takes."""
        smoothed: list[Any] = [self.score, self.smoothing.samples]
        return smoothed if self.lasting is None else [*smoothed, self.lasting.samples]

    def restore(self, score: float, smoothing: Any, lasting: Any = None) -> None:
        """Go on from a stored state. Raises ValueError or TypeError when it is none."""
        self.score = stored_share(score)
        self.smoothing.restore(smoothing)
        if self.lasting is not None and lasting is not None:
            self.lasting.restore(lasting)
