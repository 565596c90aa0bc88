"""The one way to read what stands in Redis: a record that cannot be read is as good as none, and logged.

It must fail neither the request nor the worker that reads it (docs/decisions/021-unreadable-records.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from patchwatch.contract.errors import InvalidMessageError, NotFoundError

_T = TypeVar("_T")
_Data = TypeVar("_Data")

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


def required(decode: Callable[[_Data], _T], data: _Data, what: str) -> _T:
    """Raises `NotFoundError` for a record that cannot be read."""
    try:
        return decode(data)
    except InvalidMessageError as error:
        log.warning("%s is left out: %s", what, error)
        raise NotFoundError(f"what is stored of {what} cannot be read: {error}") from None
