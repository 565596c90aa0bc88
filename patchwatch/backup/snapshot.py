"""Reads what a backup keeps of Redis while the installation runs, in an order in which it can be gone on from.

1. Which alerts there are. 2. What people configured and said, in one transaction. 3. Each camera's state and account,
in a transaction each. 4. Each of those alerts, in a transaction each. 5. The streams, each up to its end.

So an alert that a camera's state holds as open is there with its record, or is raised again by that state; one that
closed after 3 is closed in 4 and told of in 5. Entries of 5 that tell of alerts opened since 1 are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import redis

from patchwatch.backup.key_kind import KeyKind, Part, RedisType, Row
from patchwatch.backup.key_table import KnownKey, is_left_out, known_key
from patchwatch.backup.record_line import RecordLine, StreamPosition
from patchwatch.bus import keys
from patchwatch.bus.streams import entry_order
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.verdict import ALERT_FIELD, VERDICT_FIELD, VerdictChange

_SCANNED = 1000
_ROWS = 500  # of a line
_LINE_BYTES = 2**20  # about


@dataclass
class Snapshot:
    """``unreadable``: values that their reader refuses, by kind; they are kept as they are. ``unknown``: keys of a
    kind that is not known here, which are left out."""

    client: Any
    rows: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    _found: dict[Part, list[KnownKey]] = field(default_factory=dict)
    _alerts: dict[str, list[KnownKey]] = field(default_factory=dict)
    _indexes: list[RecordLine] = field(default_factory=list)
    _alert_ids: set[str] = field(default_factory=set)
    _alerts_until: str = "0-0"

    def begin(self) -> None:
        """Note which keys and which alerts there are now. Raises redis-py's errors, as all of this."""
        for name in self.client.scan_iter(match="pw:*", count=_SCANNED):
            key = name.decode(errors="replace")
            if (known := known_key(key)) is None:
                self.unknown += not (is_left_out(key) or key.startswith("pw:probe:"))
            elif "ALERT" in known.names and known.kind.part is Part.ALERTS:
                self._alerts.setdefault(known.names["ALERT"], []).append(known)
            else:
                self._found.setdefault(known.kind.part, []).append(known)
        self._indexes = list(self._together(self._found.get(Part.ALERTS, [])))
        self._alert_ids = {row[0] for line in self._indexes for row in line.rows}
        info = self._info(keys.ALERTS)
        self._alerts_until = "0-0" if info is None else info.last_id

    def lines(self, part: Part) -> Iterator[RecordLine]:
        """All that is kept of a part; ask for them in the order of `Part`."""
        match part:
            case Part.SETTINGS:
                yield from self._together(self._sorted(part))
            case Part.CAMERAS:
                cameras: dict[str, list[KnownKey]] = {}
                for known in self._sorted(part):
                    cameras.setdefault(known.names["CAMERA"], []).append(known)
                for found in cameras.values():
                    yield from self._together(found)
            case Part.ALERTS:
                yield from self._indexes
                for alert_id in sorted(self._alerts.keys() & self._alert_ids):
                    yield from self._together(self._alerts[alert_id])
            case Part.STREAMS | Part.SCORES:
                for known in self._sorted(part):
                    yield from self._stream(known)

    def _sorted(self, part: Part) -> list[KnownKey]:
        return sorted(self._found.get(part, []), key=lambda known: known.key)

    def _together(self, found: list[KnownKey]) -> Iterator[RecordLine]:
        """All of these keys as they were at one moment."""
        if not found:
            return
        with self.client.pipeline(transaction=True) as pipe:
            pipe.time()
            for known in found:
                _queue_read(pipe, known)
                pipe.pttl(known.key)
            (seconds, microseconds), *answers = pipe.execute(raise_on_error=False)
        now_ms = seconds * 1000 + microseconds // 1000
        for known, answer, ttl_ms in zip(found, answers[::2], answers[1::2], strict=True):
            yield from self._lines(known, answer, now_ms + ttl_ms if ttl_ms > 0 else None)

    def _lines(self, known: KnownKey, answer: Any, expires_at_ms: int | None) -> Iterator[RecordLine]:
        if isinstance(answer, redis.ResponseError):
            self.unreadable[known.kind.template] += "no such key" not in str(answer)
            return
        if known.kind.type is RedisType.STREAM:
            position = _position(answer)
            yield RecordLine.of(known.kind, known.names, [], position=position)
            return
        for rows in _pieces(_rows(known.kind, answer)):
            self._check(known.kind, rows)
            yield RecordLine.of(known.kind, known.names, rows, expires_at_ms=expires_at_ms)

    def _stream(self, known: KnownKey) -> Iterator[RecordLine]:
        """Up to its end at this moment. Entries that are trimmed meanwhile are left out."""
        if (info := self._info(known.key)) is None:
            return
        after = "-"
        while True:
            entries = self.client.xrange(known.key, min=after, max=info.last_id, count=_ROWS)
            if not entries:
                break
            after = f"({entries[-1][0].decode()}"
            rows = [row for row in map(_entry_row, entries) if self._is_wanted(known, row)]
            for piece in _pieces(rows):
                self._check(known.kind, piece)
                yield RecordLine.of(known.kind, known.names, piece)
        yield RecordLine.of(known.kind, known.names, [], position=info)

    def _is_wanted(self, known: KnownKey, row: Row) -> bool:
        """Whether the alert that an entry tells of is kept; see the top of this file."""
        if known.key != keys.ALERTS or entry_order(row[0].decode()) <= entry_order(self._alerts_until):
            return True
        fields = dict(zip(row[1::2], row[2::2], strict=True))
        try:
            if ALERT_FIELD in fields:
                return Alert.decode(fields[ALERT_FIELD]).id in self._alert_ids
            if VERDICT_FIELD in fields:
                return VerdictChange.decode(fields[VERDICT_FIELD]).alert.id in self._alert_ids
        except InvalidMessageError:
            return False
        return True

    def _info(self, key: str) -> StreamPosition | None:
        try:
            return _position(self.client.xinfo_stream(key))
        except redis.ResponseError as error:
            if "no such key" not in str(error):
                self.unreadable[key] += 1
            return None

    def _check(self, kind: KeyKind, rows: list[Row]) -> None:
        self.rows[kind.template] += len(rows)
        for row in rows:
            try:
                kind.read(row)
            except InvalidMessageError:
                self.unreadable[kind.template] += 1


def _queue_read(pipe: Any, known: KnownKey) -> None:
    match known.kind.type:
        case RedisType.STRING:
            pipe.get(known.key)
        case RedisType.HASH:
            pipe.hgetall(known.key)
        case RedisType.SET:
            pipe.smembers(known.key)
        case RedisType.SORTED_SET:
            pipe.zrange(known.key, 0, -1, withscores=True)
        case RedisType.STREAM:
            pipe.xinfo_stream(known.key)


def _rows(kind: KeyKind, answer: Any) -> list[Row]:
    match kind.type:
        case RedisType.STRING:
            return [] if answer is None else [(answer,)]
        case RedisType.HASH:
            return sorted(answer.items())
        case RedisType.SET:
            return [(member,) for member in sorted(answer)]
        case RedisType.SORTED_SET:
            return [(member, repr(score).encode()) for member, score in answer]
        case RedisType.STREAM:
            return []


def _entry_row(entry: tuple[bytes, dict[bytes, bytes]]) -> Row:
    entry_id, fields = entry
    return (entry_id, *(part for pair in fields.items() for part in pair))


def _position(info: Any) -> StreamPosition:
    return StreamPosition(
        last_id=info["last-generated-id"].decode(), added=info["entries-added"],
        max_deleted_id=info["max-deleted-entry-id"].decode(),
    )  # fmt: skip


def _pieces(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows for lines that are not too long."""
    piece: list[Row] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += sum(map(len, row))
        if len(piece) >= _ROWS or size >= _LINE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
