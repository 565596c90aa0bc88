"""Writes that Redis keeps in memory and sends to replicas, but does not write to its append-only file.

They are for data that is replaced several times a second and worthless after a restart, above all the pictures of live
cameras. It would be nearly all that Redis writes to its disk (measured in docs/decisions/029).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The append-only file only records that the id was used, so the stream has to exist already.
_ADD = """
redis.set_repl(redis.REPL_REPLICA)
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], ARGV[2], unpack(ARGV, 3))
redis.set_repl(redis.REPL_AOF)
redis.call('XSETID', KEYS[1], ARGV[2])
"""
_SET = """
redis.set_repl(redis.REPL_REPLICA)
redis.call('HSET', KEYS[1], unpack(ARGV))
"""


def add_entry(pipe: Any, stream: str, fields: Mapping[bytes, bytes], *, entry_id: str, maxlen: int) -> None:
    """Queue the addition of an entry to a stream that exists; older ones beyond ``maxlen`` go."""
    pipe.eval(_ADD, 1, stream, maxlen, entry_id, *_flat(fields))


def set_fields(pipe: Any, name: str, fields: Mapping[Any, Any]) -> None:
    """Queue the setting of fields of a hash."""
    if fields:
        pipe.eval(_SET, 1, name, *_flat(fields))


def _flat(fields: Mapping[Any, Any]) -> list[Any]:
    return [part for field in fields.items() for part in field]
