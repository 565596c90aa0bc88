"""Parameter lists in headers, quoted or not. One pass over a text of bounded length."""

from __future__ import annotations

MAX_HEADER = 2048  # Characters; a longer header is cut.


def split(text: str, separator: str) -> list[str]:
    """The parts between separators outside quotes, stripped of surrounding space."""
    parts: list[str] = []
    start, quoted, escaped = 0, False, False
    text = text[:MAX_HEADER]
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\" and quoted:
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(text[start:position].strip())
            start = position + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def pairs(parts: list[str]) -> dict[str, str]:
    """Parses ``name=value`` parts: names in lower case, values without quotes. The first value of a name counts."""
    values: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        values.setdefault(name.strip().lower(), _unquoted(value.strip()))
    return values


def _unquoted(value: str) -> str:
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
