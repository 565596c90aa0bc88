"""The one way to read what is stored in Redis: a record that cannot be read counts as missing, and is logged.

It must fail neither the request nor the worker that reads it (docs/decisions/021-unreadable-records.md). What people
said is the exception: `said` refuses where it cannot be read, as silence would be something else that they said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from patchwatch.contract.errors import InvalidMessageError, NotFoundError, UnreadableRecordError


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T")
_Data = TypeVar("_Data")
_R = TypeVar("_R", bound=_HasId)

log = logging.getLogger(__name__)


def readable(decode: Callable[[_Data], _T], data: _Data | None, what: str) -> _T | None:
    """The record; None where there is none, or none of a version known here. ``what`` names it in the log."""
    if data is None:
        return None
    try:
        return decode(data)
    except InvalidMessageError as error:
        log.warning("%s is left out: %s", what, error)
        return None


def said(decode: Callable[[_Data], _T], data: _Data | None, what: str, remedy: str) -> _T | None:
    """What a person said; None where nothing was said. Raises `UnreadableRecordError`, with the remedy, for a record
    that cannot be read: whoever acted on nothing, or wrote it anew, would undo what was said."""
    if data is None:
        return None
    try:
        return decode(data)
    except InvalidMessageError as error:
        log.warning("%s cannot be read: %s", what, error)
        raise UnreadableRecordError(f"{what} cannot be read ({error}): {remedy}") from None


def readable_by_id(decode: Callable[[bytes], _R], stored: Mapping[bytes, bytes], noun: str) -> dict[str, _R]:
    """The readable records of a configuration hash, by their ids in order. ``noun`` names one of them in the log."""
    records = (
        readable(decode, data, f"{noun} {name!r} (remove it, and add it again)")
        for name, data in sorted(stored.items())
    )
    return {record.id: record for record in records if record is not None}


def required(decode: Callable[[_Data], _T], data: _Data, what: str) -> _T:
    """Raises `NotFoundError` for a record that cannot be read."""
    try:
        return decode(data)
    except InvalidMessageError as error:
        log.warning("%s is left out: %s", what, error)
        raise NotFoundError(f"what is stored of {what} cannot be read: {error}") from None
