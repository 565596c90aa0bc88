"""Lists of parameters in headers, with quotes or without. One pass over a text of bounded length."""

from __future__ import annotations

MAX_HEADER = 2048  # characters; what is longer is cut


def split(text: str, separator: str) -> list[str]:
    """The parts between separators that do not stand in quotes, without space around them."""
    parts: list[str] = []
    start, quoted, escaped = 0, False, False
    text = text[:MAX_HEADER]
    for at, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\" and quoted:
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(text[start:at].strip())
            start = at + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def pairs(parts: list[str]) -> dict[str, str]:
    """``name=value`` each: names in lower case, values without quotes. Of several of one name the first counts."""
    found: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower(), _unquoted(value.strip()))
    return found


def _unquoted(value: str) -> str:
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
