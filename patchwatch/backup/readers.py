"""How the values of each kind of key are read: by the messages' own readers, which know their earlier versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from patchwatch.backup.key_kind import Reader, Row
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.base import Message
from patchwatch.messages.cameras.activity import decoded_weeks
from patchwatch.messages.cameras.quiet_hour import QuietHour
from patchwatch.messages.frames.frame import FrameGaps
from patchwatch.messages.frames.score import Score, ScoreMinute

Decode: TypeAlias = Callable[[bytes], object]


def message(kind: type[Message]) -> Reader:
    """Of a string or of each field of a hash."""
    return lambda row: kind.decode(row[-1])


def by_field(decoders: Mapping[bytes, Decode]) -> Reader:
    """Of the fields of a hash or of an entry those that are named; others have no reader."""

    def read(row: Row) -> None:
        for name, value in _pairs(row):
            if (decode := decoders.get(name)) is not None:
                decode(value)

    return read


def anything(row: Row) -> None:
    """Of names, positions and secrets, which are what they are."""


def count(row: Row) -> None:
    """Of a number, which may stand with its name or as the score of its member."""
    try:
        float(row[-1])
    except ValueError:
        raise InvalidMessageError("it is no number") from None


def score(row: Row) -> None:
    """Of an entry of scores by frame."""
    Score.decode(dict(_pairs(row)))


def minute(row: Row) -> None:
    """Of an entry of scores by minute."""
    ScoreMinute.decode(int(row[0].split(b"-")[0]), dict(_pairs(row)))


def hour(row: Row) -> None:
    """Of an entry of hours."""
    QuietHour.from_fields(dict(_pairs(row)))


def week(row: Row) -> None:
    """Of a field of a camera's activity."""
    if not decoded_weeks({row[0]: row[1]}):
        raise InvalidMessageError("it is no week of activity")


def gaps(data: bytes) -> None:
    """Of the counts of missing frames in a camera's state."""
    if FrameGaps.decode(data) is None:
        raise InvalidMessageError("it is no count of missing frames")


def _pairs(row: Row) -> list[tuple[bytes, bytes]]:
    """Of an entry of a stream behind its id, of a hash as it is."""
    values = row[len(row) % 2 :]
    return list(zip(values[::2], values[1::2], strict=True))
