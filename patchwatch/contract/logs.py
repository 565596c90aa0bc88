"""How every process of Patchwatch logs: one form, lines or JSON, to stderr, without credentials."""

from __future__ import annotations

import json
import logging
from typing import Literal

from patchwatch.contract.redaction import RedactingFormatter

# One line per request says nothing to an operator.
_QUIET = ("asyncio", "uvicorn.access", "httpx", "httpcore")
LogFormat = Literal["text", "json"]


def configure(level: str, role: str = "patchwatch", form: LogFormat = "text") -> None:
    """Send every log record of this process to stderr. ``role`` is named in each. Call once, at the start."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(role) if form == "json" else RedactingFormatter(role))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def about(camera_id: str, seq: int | None = None) -> dict[str, object]:
    """As ``extra`` of a log record: which camera it is about, and which of its frames (the id of its queue entry)."""
    return {"camera": camera_id} if seq is None else {"camera": camera_id, "frame": seq}


class JsonFormatter(RedactingFormatter):
    """One JSON object a record: ``at``, ``level``, ``role``, ``logger``, ``message``, and where they are known
    ``camera``, ``frame`` and ``traceback``. Credentials are removed from the finished texts."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """A line for a program to read."""
        lines = super().format(record).split("\n")
        entry: dict[str, object] = {
            "at": f"{record.asctime}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.message,  # the base class has removed what is secret
        }
        known = {name: record.__dict__[name] for name in ("camera", "frame") if name in record.__dict__}
        traceback = {"traceback": "\n".join(lines[1:])} if len(lines) > 1 else {}
        return json.dumps(entry | known | traceback, ensure_ascii=False)
