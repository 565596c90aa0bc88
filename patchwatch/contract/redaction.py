"""What text may be shown: untrusted text on one line and of limited length, every text and log record without secrets.

Secrets are hidden wherever a text about a source leaves the process, by their shape rather than by their name.

Scheme, host and port of an address are kept. User and password are hidden in any form, raw and malformed ones too. So
are whole queries and fragments, and the path of a video source unless it consists of the words that cameras use for
their streams, because many servers put a key there. Every step takes time in proportion to the length of the text.
"""

from __future__ import annotations

import logging
import re
import string
import time
import unicodedata
from collections.abc import Iterator

MASK = "***"
_WORD = re.compile(r"[^\s]+", re.ASCII)
# Paths of these schemes hold no key and may be read by operators; those of all other schemes are hidden.
_OPEN_PATHS = frozenset(
    {"http", "https", "ws", "wss", "redis", "rediss", "redis+sentinel", "rediss+sentinel", "unix", "file"}
)
_PLACEHOLDERS = frozenset({"HOST", "HOST:PORT", "HOST[:PORT]"})  # appear in our own advice
_PLACEHOLDER_USERS = frozenset({"USER:PASSWORD", ":PASSWORD"})
_PLACEHOLDER_PATHS = frozenset({"/PATH", "/ID", "/CAMERA_ID", "/TOPIC"})
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
_MAX_TRACEBACK_LINES = 200

MAX_LINE = 4000  # characters
_CONTROL = ("Cc", "Cf", "Zl", "Zp")  # control, format (right-to-left marks), line and paragraph separators
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
    user, signed, rest = word[at + 3 :].rpartition("@")
    if signed:
        shown += (user if user in _PLACEHOLDER_USERS else MASK) + "@"
    return shown + _place(rest, scheme)


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


def _indented(text: str) -> str:
    lines = text.split("\n")
    if len(lines) > _MAX_TRACEBACK_LINES:
        half = _MAX_TRACEBACK_LINES // 2
        lines = [*lines[:half], f"... ({len(lines) - 2 * half} lines left out) ...", *lines[-half:]]
    return "\n".join(f"    {redact(one_line(line))}" for line in lines)
