"""Header fields of an RTSP message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headers:
    """Fields in the order and spelling in which they were sent; names are compared without case."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The first value of this name."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """Every value of this name, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def replace(self, name: str, value: str) -> Headers:
        """A copy with this field in place of all others of its name."""
        return Headers((*self.without(name).fields, (name, value)))

    def without(self, name: str) -> Headers:
        """A copy without the fields of this name."""
        return Headers(tuple(field for field in self.fields if field[0].lower() != name.lower()))
