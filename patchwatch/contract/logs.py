"""How every process of Patchwatch logs: one line form, to stderr, without credentials."""

from __future__ import annotations

import logging

from patchwatch.contract.redaction import RedactingFormatter

# One line per request says nothing to an operator.
_QUIET = ("asyncio", "uvicorn.access", "httpx", "httpcore")


def configure(level: str, role: str = "patchwatch") -> None:
    """Send every log record of this process to stderr. ``role`` is named in each line. Call once, at the start."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(role))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
