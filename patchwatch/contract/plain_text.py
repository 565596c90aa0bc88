"""Makes untrusted text safe to show on one line: without control characters, and of limited length."""

from __future__ import annotations

import unicodedata

MAX_LINE = 4000  # characters
_CONTROL = ("Cc", "Cf", "Zl", "Zp")  # control, format (right-to-left marks), line and paragraph separators


def one_line(text: str, limit: int = MAX_LINE) -> str:
    """``text`` without control characters, cut in its middle to ``limit`` characters and saying so.

    Characters that would begin a new line, move the cursor or be invisible are written as escapes, so that untrusted
    text cannot pass for ours.
    """
    shown = _cut(text, limit)
    if shown.isprintable():
        return shown
    return "".join(_escaped(letter) for letter in shown)


def _escaped(letter: str) -> str:
    if letter == " " or (letter.isprintable() and unicodedata.category(letter) not in _CONTROL):
        return letter
    return letter.encode("unicode_escape").decode()


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 3 // 4], text[-(limit // 4) :]
    return f"{head}... ({len(text) - len(head) - len(tail)} characters left out) ...{tail}"
