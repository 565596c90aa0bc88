"""How every process of Patchwatch logs: one line form, to stderr, without credentials."""

from __future__ import annotations

import logging
import time

from patchwatch.messages.source import redact

# One line per request says nothing to an operator.
_QUIET = ("asyncio", "uvicorn.access", "httpx", "httpcore")


class RedactingFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.123Z info ingest: message``, in UTC.

    Credentials are removed from the finished text, so those inside a traceback go too.
    """

    converter = staticmethod(time.gmtime)

    def __init__(self, role: str) -> None:
        super().__init__(f"%(asctime)s.%(msecs)03dZ %(level)s {role}: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        record.level = record.levelname.lower()
        return redact(super().format(record))


def configure(level: str, role: str = "patchwatch") -> None:
    """Send every log record of this process to stderr. ``role`` is named in each line. Call once, at the start."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(role))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
