"""How every process of Patchwatch logs: one line form, to stderr, without credentials."""

from __future__ import annotations

import logging
import time

from patchwatch.contract.plain_text import one_line
from patchwatch.contract.redaction import redact

# One line per request says nothing to an operator.
_QUIET = ("asyncio", "uvicorn.access", "httpx", "httpcore")
_MAX_TRACEBACK_LINES = 200


class RedactingFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.123Z info ingest: message``, in UTC.

    A record is one line; a traceback's lines follow indented, so that no text of a stranger can pass for a record.
    Credentials are removed from the finished text, so those inside a traceback go too.
    """

    converter = staticmethod(time.gmtime)

    def __init__(self, role: str) -> None:
        super().__init__(f"%(asctime)s.%(msecs)03dZ %(level)s {role}: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        record.level = record.levelname.lower()
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = redact(one_line(record.message))
        return super().formatMessage(record)

    def formatException(self, ei: logging._SysExcInfoType) -> str:
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        return _indented(stack_info)


def configure(level: str, role: str = "patchwatch") -> None:
    """Send every log record of this process to stderr. ``role`` is named in each line. Call once, at the start."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(role))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def _indented(text: str) -> str:
    lines = text.split("\n")
    if len(lines) > _MAX_TRACEBACK_LINES:
        half = _MAX_TRACEBACK_LINES // 2
        lines = [*lines[:half], f"... ({len(lines) - 2 * half} lines left out) ...", *lines[-half:]]
    return "\n".join(f"    {redact(one_line(line))}" for line in lines)
