"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"  # It works, but not as one would expect.
    FAIL = "fail"  # It does not work and has to be corrected.


@dataclass(frozen=True)
class Finding:
    """``text``: first what it means for the user, then, unless all is well, the cause and what to do."""

    level: Level
    check: str
    text: str


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, check, text)


def warn(check: str, text: str) -> Finding:
    """Something to know about, which stops nothing."""
    return Finding(Level.WARN, check, text)


def fail(check: str, text: str) -> Finding:
    """Something to correct."""
    return Finding(Level.FAIL, check, text)
