"""What `patchwatch doctor` finds, for the page: the command itself is asked, as it loads what the service does not."""

from __future__ import annotations

import asyncio
import time

from patchwatch.contract.settings import Settings
from service.child_program import answer_of
from service.schemas.examination import ExaminationView

_COMMAND = ("patchwatch", "doctor", "--json")
_WITHIN_S = 60.0
_KEPT_S = 30.0


class Examination:
    """Whoever asks within half a minute of another gets the same answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._one_at_a_time = asyncio.Lock()
        self._last: ExaminationView | None = None
        self._last_s = 0.0

    async def view(self, now_ms: int) -> ExaminationView:
        """``now_ms``: what the answer is dated. Raises `RetryableError` where the command does not answer."""
        async with self._one_at_a_time:
            if self._last is None or time.monotonic() - self._last_s > _KEPT_S:
                answer = await answer_of(_COMMAND, self._settings.environment(), within_s=_WITHIN_S)
                self._last = ExaminationView.from_json(answer, now_ms)
                self._last_s = time.monotonic()
            return self._last
