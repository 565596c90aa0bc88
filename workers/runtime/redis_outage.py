"""One log line when something goes away, one when it is back."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


class OutageLog:
    """Remembers whether ``what`` is away."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._away = False

    def noticed(self, error: Exception) -> None:
        """It is away, for this reason."""
        if not self._away:
            log.warning("%s: %s (waiting for it)", self._what, error)
        self._away = True

    def over(self) -> None:
        """It answers."""
        if self._away:
            log.info("%s: goes on", self._what)
        self._away = False
