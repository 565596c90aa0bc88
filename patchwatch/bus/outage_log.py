"""One log line when Redis stops answering, one when it answers again."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


class OutageLog:
    """Remembers whether Redis is away. ``consequence``: what that means for the user until it is back."""

    def __init__(self, consequence: str) -> None:
        self._consequence = consequence
        self.away = False

    def failed(self, error: Exception) -> None:
        """A call failed for this reason."""
        if not self.away:
            log.warning("%s; %s", error, self._consequence)
        self.away = True

    def answered(self) -> None:
        """A call succeeded."""
        if self.away:
            log.info("Redis answers again")
        self.away = False
