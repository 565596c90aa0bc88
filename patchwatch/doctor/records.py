"""Records of configuration and of what people said: whether this version of Patchwatch can read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patchwatch.backup.key_kind import KeyKind, Part, RedisType, Row
from patchwatch.backup.key_table import KEPT, known_key
from patchwatch.contract.errors import InvalidMessageError, NewerMessageError
from patchwatch.doctor.finding import Finding, fail, ok, warn

_NAMED = 3  # of the records that cannot be read


def check_records(client: Any) -> Iterator[Finding]:
    """Of the keys that there is one of. Raises redis-py's errors."""
    count, newer, damaged = 0, [], []
    for kind in KEPT:
        if kind.part is not Part.SETTINGS or kind.type is not RedisType.HASH or known_key(kind.template) is None:
            continue
        for name, value in sorted(client.hgetall(kind.template).items()):
            count += 1
            match _fault(kind, (name, value)):
                case NewerMessageError() as error:
                    newer.append(f"{_where(kind, name)}: {error}")
                case InvalidMessageError():
                    damaged.append(_where(kind, name))
    if newer:
        yield fail(
            "records",
            f"{len(newer)} records of a later version of Patchwatch are left out ({_few(newer)}): install that version "
            "again, or restore the backup from before the upgrade (`patchwatch restore FILE.zip --replace`)",
        )
    if damaged:
        yield warn("records", f"{len(damaged)} records cannot be read and are left out: {_few(damaged)}")
    if not newer and not damaged:
        yield ok("records", f"all {count} can be read")


def _fault(kind: KeyKind, row: Row) -> InvalidMessageError | None:
    try:
        kind.read(row)
    except InvalidMessageError as error:
        return error
    return None


def _where(kind: KeyKind, name: bytes) -> str:
    return f"{kind.template} {name.decode(errors='replace')[:63]!r}"


def _few(texts: list[str]) -> str:
    more = len(texts) - _NAMED
    return "; ".join(texts[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
