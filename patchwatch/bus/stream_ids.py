"""Ids of the entries of Redis' streams: ``MILLISECONDS-NUMBER``."""

from __future__ import annotations


def entry_ms(entry_id: str) -> int:
    """When an entry was written, where Redis chose the id."""
    return int(entry_id.partition("-")[0])


def entry_order(entry_id: str) -> tuple[int, int]:
    """Entries of a stream compare by this."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)
