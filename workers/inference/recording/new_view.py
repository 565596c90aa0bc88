"""A picture that is another as a whole, and stays so: night, snow, another season. It is learnt although it alarms.

What alarms is not learnt. But the first night of a camera that was installed by day is over the level everywhere and
for hours; were it never learnt, every night would be one long alert, in which nothing else could alert. What departs
from how that view itself mostly looks is not learnt with it: else whoever comes then would be normal for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from math import inf

from models.engine.frame_scorer import FrameScore, FrameScorer
from models.engine.places_over_level import share_over_level
from models.engine.usual_look import UsualLook
from models.frames.frame import Features
from models.memory.stretches.stretch_collector import PicturedFrame
from workers.inference.recording.camera_recording import AROUND_ALERT_S, Verdict

LASTS_S = 600.0  # as long as this, with nothing else in between
MOST_PLACES = 0.5  # of all are over the level each by itself; a person or a thing is in a few
LEARNT_S = 600.0  # of footage, then it waits for a bank that knows it
_JUDGED_EVERY_S = 1.0
_CALM_S = 5.0  # of footage under the level: after a discontinuity the score takes a second to rise

log = logging.getLogger(__name__)


class NewView:
    """Of one camera, from its first frame over the level on until it is `over`: the view is known, or it was something
    in the picture. Times are the camera's own."""

    def __init__(self, camera_id: str) -> None:
        self.over = False
        self._camera_id = camera_id
        self._bank_id: str | None = None
        self._since_s: float | None = None
        self._judged_s = self._last_s = self._overlooked_s = -inf
        self._calm_s = self._seen_s = self._learnt_s = 0.0
        self._ended = self._told = False
        self._look: UsualLook | None = None  # from the first frame on that shows another picture as a whole

    def judged(
        self,
        verdict: Verdict,
        frame: PicturedFrame,
        features: Sequence[Features],
        scorer: FrameScorer,
        score: FrameScore,
    ) -> Verdict:
        """The verdict on the camera's next frame: where a new view has lasted, as if its usual look were known."""
        seen_s = 0.0 if frame.discontinuity else max(0.0, min(1.0, frame.at_s - self._last_s))
        self._last_s = frame.at_s
        self._seen_s += seen_s
        self._ended |= self._bank_id not in (None, scorer.bank.id)
        self._bank_id = scorer.bank.id
        if score.score >= scorer.rule.on:
            self._calm_s = 0.0
            self._follow(frame.at_s, features, scorer, score, wrong=verdict.condition_since_s is not None)
        else:
            self._calm_s += seen_s
            self._ended |= self._calm_s >= _CALM_S
        self.over = self._ended and verdict.event_since_s is None
        if self._look is not None and self._lasts(frame.at_s):
            if self._look.departs(features, frame.at_s):
                return replace(verdict, event_since_s=frame.at_s)
            self._learnt_s += seen_s
            self._overlooked_s = frame.at_s
            return replace(verdict, level=inf, event_since_s=None)
        return self._since_overlooked(verdict)

    def _since_overlooked(self, verdict: Verdict) -> Verdict:
        """Of an event that was overlooked and lasts, what comes now is excluded, and not what was before; of something
        that came into the picture, what led there too."""
        if verdict.event_since_s is None:
            return verdict
        came = self._look is None and not self._ended
        learnt_until_s = self._overlooked_s if came else self._overlooked_s + AROUND_ALERT_S
        return replace(verdict, event_since_s=max(verdict.event_since_s, learnt_until_s))

    def _follow(
        self, at_s: float, features: Sequence[Features], scorer: FrameScorer, score: FrameScore, *, wrong: bool
    ) -> None:
        """``wrong``: the picture as a whole is in transition, as in the first second of a recording, where places say
        nothing yet."""
        if 0.0 <= at_s - self._judged_s < _JUDGED_EVERY_S:
            return
        self._judged_s = at_s
        if share_over_level(scorer, features, score) >= MOST_PLACES:
            if self._look is None:
                self._since_s, self._look = at_s, UsualLook(scorer.bank.profile)
            if not wrong:
                self._look.take(self._seen_s, at_s, features)
        elif not wrong:
            self._since_s = self._look = None

    def _lasts(self, at_s: float) -> bool:
        lasts = self._since_s is not None and at_s - self._since_s >= LASTS_S and not self._ended
        if lasts and not self._told:
            self._told = True
            log.warning(
                "%s: most of its picture has been another for %.0f min: that is learnt from now on, as the night or "
                "another season, but for what departs from it", self._camera_id, LASTS_S / 60,
            )  # fmt: skip
        return lasts and self._learnt_s < LEARNT_S
