"""Writes records of a backup into Redis, many at a time."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import redis

from patchwatch.backup.key_kind import KeyKind, RedisType, Row
from patchwatch.backup.record_line import RecordLine, StreamPosition
from patchwatch.bus.connection import translated
from patchwatch.bus.writes import set_stream_position
from patchwatch.contract.errors import RejectedError

_COMMANDS = 500
_BYTES = 8 * 2**20
_PLACE = "0-1"  # of an entry that makes an empty stream, and goes at once


class RecordWriter:
    """``expired``: rows that would have gone by now, and are left out, by kind."""

    def __init__(self, client: Any, partitions: int) -> None:
        self._client = client
        self._partitions = partitions
        self._pipe = client.pipeline(transaction=False)
        self._bytes = 0
        self._ahead_ms = _now_ms(client) - time.monotonic_ns() // 1_000_000
        self.written: Counter[str] = Counter()
        self.expired: Counter[str] = Counter()

    def add(self, kind: KeyKind, record: RecordLine, rows: list[Row]) -> None:
        """Raises `RejectedError` for what Redis does not take, `BusUnavailableError`."""
        key = kind.key(record.names, self._partitions)
        left_ms = None if record.expires_at_ms is None else record.expires_at_ms - self._now_ms
        if left_ms is not None and left_ms <= 0:
            self.expired[kind.template] += len(rows)
            return
        if rows:
            _queue(self._pipe, kind.type, key, rows)
            self.written[kind.template] += len(rows)
            self._bytes += sum(len(value) for row in rows for value in row)
        if left_ms is not None:
            self._pipe.pexpire(key, left_ms)
        if record.position is not None and kind.type is RedisType.STREAM:
            _queue_position(self._pipe, key, record.position, empty=not kind.holds_entries)
        if len(self._pipe) >= _COMMANDS or self._bytes >= _BYTES:
            self.flush()

    def flush(self) -> None:
        """Everything that was added is in Redis then."""
        try:
            with translated():
                self._pipe.execute()
        except redis.ResponseError as error:
            raise RejectedError(f"it holds what Redis does not take ({error})") from None
        self._bytes = 0

    @property
    def _now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000 + self._ahead_ms


def _queue(pipe: Any, type: RedisType, key: str, rows: list[Row]) -> None:
    match type:
        case RedisType.STRING:
            pipe.set(key, rows[-1][0])
        case RedisType.HASH:
            pipe.hset(key, mapping={name: value for name, value in rows})
        case RedisType.SET:
            pipe.sadd(key, *(member for (member,) in rows))
        case RedisType.SORTED_SET:
            pipe.zadd(key, {member: float(score) for member, score in rows})
        case RedisType.STREAM:
            for entry_id, *fields in rows:
                pipe.xadd(key, dict(zip(fields[::2], fields[1::2], strict=True)), id=entry_id)


def _queue_position(pipe: Any, key: str, position: StreamPosition, *, empty: bool) -> None:
    """Let the stream go on where it was. Where it has no entry it is made by one that goes at once."""
    if empty or position.last_id == _PLACE:
        pipe.xadd(key, {b"-": b""}, id=_PLACE)
        pipe.xtrim(key, maxlen=0, approximate=False)
    set_stream_position(pipe, key, position.last_id, position.added, position.max_deleted_id)


def _now_ms(client: Any) -> int:
    with translated():
        seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000
