"""Of a camera's scores those that an event can hang on: kept for days, where all of them are kept for hours.

A frame under the floor neither opens an event nor keeps one open, whatever the rule, as long as the rule's ``off`` is
not lower. Of several such frames in a row only the last one matters: it says that there were some, and when the last
was. So a replay of what is kept here opens the very same events as one of all scores.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.alarms.alarm_threshold import LEAST_ON, OFF_OF_ON
from models.alarms.event_detector import AlertGate
from patchwatch.messages.frames.score import Score

FLOOR = OFF_OF_ON * LEAST_ON  # no budget's rule closes events at a lower score
KEPT_MS = 7 * 86_400_000
MOST_KEPT = 100_000  # some 15 MB a camera: six hours of a scene that is restless all the time, days of another
Entry = tuple[int, Score]  # the id in the stream, which is the camera's own time in ms


@dataclass
class HighScores:
    """Follows the scores of one camera. ``low``: the last frame under the floor, if it is not kept."""

    low: Entry | None = None
    _suppressed: bool = False

    def keep(self, entry: Entry, gate: AlertGate) -> list[Entry]:
        """What to keep, with the next frame that is over the floor, or may not open an event, or before which events
        were closed. Of frames in a row that suppress events, the first and the last are enough."""
        if gate is AlertGate.SUPPRESS and self._suppressed and not entry[1].events_began:
            self.low = entry
            return []
        kept = [entry] if self.low is None else [self.low, entry]
        self.low, self._suppressed = None, gate is AlertGate.SUPPRESS
        return kept
