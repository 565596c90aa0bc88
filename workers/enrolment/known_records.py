"""Records of a hash in Redis, decoded again only when they have changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from patchwatch.contract.errors import InvalidMessageError

_T = TypeVar("_T")


class KnownRecords(Generic[_T]):
    """Those that can be read. ``on_unreadable(name, error)`` is called once for each version of another."""

    def __init__(
        self,
        decode: Callable[[bytes], _T],
        on_unreadable: Callable[[bytes, InvalidMessageError], None] = lambda name, error: None,
    ) -> None:
        self._decode = decode
        self._on_unreadable = on_unreadable
        self._known: dict[bytes, tuple[bytes, _T | None]] = {}

    def read(self, stored: Mapping[bytes, bytes]) -> list[_T]:
        """``stored``: all fields of the hash."""
        return list(self.by_name(stored).values())

    def by_name(self, stored: Mapping[bytes, bytes]) -> dict[bytes, _T]:
        """The same, by the names of their fields."""
        self._known = {name: self._read(name, data) for name, data in stored.items()}
        return {name: record for name, (_, record) in self._known.items() if record is not None}

    def _read(self, name: bytes, data: bytes) -> tuple[bytes, _T | None]:
        known = self._known.get(name)
        if known is not None and known[0] == data:
            return known
        try:
            return data, self._decode(data)
        except InvalidMessageError as error:
            self._on_unreadable(name, error)
            return data, None
