"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"  # works, but not as one would expect
    FAIL = "fail"  # does not work: to be mended


@dataclass(frozen=True)
class Finding:
    """``text`` says what is so, and, unless all is well, the command or setting that mends it."""

    level: Level
    check: str
    text: str


def ok(check: str, text: str) -> Finding:
    return Finding(Level.OK, check, text)


def warn(check: str, text: str) -> Finding:
    return Finding(Level.WARN, check, text)


def fail(check: str, text: str) -> Finding:
    return Finding(Level.FAIL, check, text)
