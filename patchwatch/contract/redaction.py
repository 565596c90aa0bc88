"""Hides secrets in every text about a source that leaves the process, by their shape rather than by their name.

Scheme, host and port of an address are kept. User and password are hidden in any form, raw and malformed ones too. So
are whole queries and fragments, and the path of a video source unless it consists of the words that cameras use for
their streams, because many servers put a key there. Every step takes time in proportion to the length of the text.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

MASK = "***"
_WORD = re.compile(r"[^\s]+", re.ASCII)
# Paths of these schemes hold no key and may be read by operators; those of all other schemes are hidden.
_OPEN_PATHS = frozenset({"http", "https", "ws", "wss", "redis", "rediss", "unix", "file"})
_PLACEHOLDERS = frozenset({"HOST", "HOST:PORT", "HOST[:PORT]"})  # appear in our own advice
_PLACEHOLDER_PATHS = frozenset({"/PATH", "/ID", "/CAMERA_ID"})
# Words that a shown path may consist of, so that the streams of one recorder can be distinguished.
_PATH_WORDS = frozenset(
    re.findall(
        "[a-z]+",
        "amp audio av avc axis c cam camera cameras ch channel channels default demo feed fluent h hd hevc high input "
        "isapi live livestream low main media monitor mp mpeg onvif play preview primary profile realmonitor rtsp s sd "
        "sdp second secondary stream streaming streams sub third track tracks unicast video videos x",
    )
)
_PATH_PIECE = re.compile(r"[/_.-]|\d{1,4}(?!\d)|[A-Z]?[a-z]+|[A-Z]+(?![a-z])", re.ASCII)
_LONGEST_SHOWN_PATH, _MOST_DIGITS_SHOWN = 64, 8
_SCHEME_LETTERS = frozenset(string.ascii_letters + string.digits + "+.-")
_LONGEST_SCHEME = 32
_OPENING, _CLOSING = "\"'`([{<", "\"'`)]}>,;:.!"
_NAMED = re.compile(
    r"(?i)(?P<name>(?:passw(?:or)?d|pass|pwd|psw|token|secret|api_?key|auth|signature|credentials?)=)[^\s]+", re.ASCII
)


def redact(text: str) -> str:
    """Replace what may be a secret by ``***``. For logs, errors, answers and metrics."""
    if "@" not in text and "?" not in text and "://" not in text and "=" not in text:
        return text
    return _WORD.sub(lambda word: _redacted(word.group()), text)


def _redacted(word: str) -> str:
    start = len(word) - len(word.lstrip(_OPENING))
    end = len(word.rstrip(_CLOSING))
    if start >= end:
        return word
    before, inner, after = word[:start], word[start:end], word[end:]
    scheme_at = inner.find("://")
    if scheme_at > 0:
        return before + _address(inner, scheme_at) + after
    return before + _loose(inner) + after


def _address(word: str, at: int) -> str:
    """A word that holds ``scheme://``."""
    start = at
    while start > 0 and at - start < _LONGEST_SCHEME and word[start - 1] in _SCHEME_LETTERS:
        start -= 1
    scheme, shown = word[start:at].lower(), _loose(word[:start]) + word[start : at + 3]
    if scheme == "file":
        return shown + word[at + 3 :]
    _, signed, rest = word[at + 3 :].rpartition("@")
    return shown + (f"{MASK}@" if signed else "") + _place(rest, scheme)


def _place(rest: str, scheme: str) -> str:
    """What follows the user and password: host, port, path, query."""
    cut = next(_positions(rest, "/?#"), len(rest))
    authority, tail = rest[:cut], rest[cut:]
    if authority not in _PLACEHOLDERS and not _is_authority(authority):
        return MASK
    cut = next(_positions(tail, "?#"), len(tail))
    path, query = tail[:cut], tail[cut:]
    if scheme not in _OPEN_PATHS and not _is_plain(path):
        return f"{authority}/{MASK}"
    return authority + _parameters(path) + (query[0] + MASK if query else "")


def _is_authority(text: str) -> bool:
    """``host``, ``host:port`` or ``[address]:port``; anything else may be part of a user name and password."""
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        return True
    return port.isdecimal() and port.isascii() and len(port) <= 5 and int(port) <= 65535 and host.count("@") == 0


def _is_plain(path: str) -> bool:
    """Whether the path of a source consists of stream words and small numbers."""
    if len(path) > _LONGEST_SHOWN_PATH or sum(letter.isdigit() for letter in path) > _MOST_DIGITS_SHOWN:
        return False
    pieces = _PATH_PIECE.findall(path)
    words = (piece.lower() for piece in pieces if piece.isalpha())
    return path in _PLACEHOLDER_PATHS or ("".join(pieces) == path and all(word in _PATH_WORDS for word in words))


def _loose(word: str) -> str:
    """A word without ``scheme://``: malformed addresses, bare queries, named parameters."""
    if word.startswith("file:"):
        return word
    head, signed, rest = word.rpartition("@")
    if signed and ":" in head:
        return f"{MASK}@{_place(rest, '')}"
    query = word.find("?")
    if 0 < query < len(word) - 1:  # a query without an address is advice, like "add ?ssl_ca_certs=FILE"
        return _parameters(word[:query]) + f"?{MASK}"
    return _parameters(word)


def _parameters(text: str) -> str:
    return _NAMED.sub(rf"\g<name>{MASK}", text)


def _positions(text: str, letters: str) -> Iterator[int]:
    return (at for at, letter in enumerate(text) if letter in letters)
