"""A kind of key in Redis: its names, what type it has, which reader knows its values, and whether a backup holds it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from patchwatch.bus.keys import partition_of
from patchwatch.contract.errors import RejectedError
from patchwatch.messages.base import CAMERA_ID_PATTERN

# Of a string (value,), of a hash (field, value), of a set (member,), of a sorted set (member, score), of a stream
# (entry id, field, value, field, value ...).
Row: TypeAlias = tuple[bytes, ...]
Reader: TypeAlias = Callable[[Row], object]  # raises `InvalidMessageError`

_PLACEHOLDER = re.compile(r"\\\{0\\\}|\b[A-Z]{4,}\b")
_PARTITION = "{0}"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
_CAMERA = CAMERA_ID_PATTERN.strip("^$")


class RedisType(StrEnum):
    """As the command TYPE names them."""

    STRING = "string"
    HASH = "hash"
    SET = "set"
    SORTED_SET = "zset"
    STREAM = "stream"

    def fits(self, row: Row) -> bool:
        """Whether a row has as many values as one of this type."""
        if self is RedisType.STREAM:
            return len(row) >= 3 and len(row) % 2 == 1
        return len(row) == (2 if self in (RedisType.HASH, RedisType.SORTED_SET) else 1)


class Part(StrEnum):
    """Parts of a backup, in the order in which they are read: see docs/decisions/064-backup-and-restore.md."""

    SETTINGS = "settings"  # what people configured and said, and logins' users: all of one moment
    CAMERAS = "cameras"  # of each camera its state and account, all of one moment
    ALERTS = "alerts"  # of each alert its record and pictures, all of one moment
    STREAMS = "streams"  # what was written since beginning, up to the moment it is read
    SCORES = "scores"  # as STREAMS; only if asked for


@dataclass(frozen=True)
class KeyKind:
    """``template``: a key with a word in capitals for each name in it, and ``{0}`` for the partition.

    ``holds_entries``: False of a stream of which only the position is kept.
    """

    template: str
    type: RedisType
    part: Part
    read: Reader
    holds_entries: bool = True

    def names_in(self, key: str) -> dict[str, str] | None:
        """The names in a key of this kind, by their words; None for a key of another kind."""
        found = self._pattern.fullmatch(key)
        return None if found is None else found.groupdict()

    def key(self, names: Mapping[str, str], partitions: int) -> str:
        """The key in an installation with so many partitions. Raises `RejectedError` for what is no name."""
        text = self.template
        if (camera_id := names.get("CAMERA")) is not None:
            text = text.replace(_PARTITION, f"{{{partition_of(camera_id, partitions)}}}")
        for word, name in names.items():
            text = text.replace(word, name)
        if self.names_in(text) != dict(names):
            raise RejectedError(f"it holds names that no key of the kind {self.template} has")
        return text

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return pattern_of(self.template)


def pattern_of(template: str) -> re.Pattern[str]:
    """What fits the keys of a kind, with a group for each word in capitals."""

    def group(found: re.Match[str]) -> str:
        word = found[0]
        if not word.isalpha():
            return r"\{\d{1,4}\}"
        return f"(?P<{word}>{_CAMERA if word == 'CAMERA' else _NAME})"

    return re.compile(_PLACEHOLDER.sub(group, re.escape(template)))
