"""A camera as another program knows it, and how it is called here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.messages.cameras.source import Source, SourceKind

_LONGEST_ID = 63
_LONGEST_NAME = 120
MOST_CAMERAS = 1000  # that are read of one program; an installation holds as many


@dataclass(frozen=True)
class KnownCamera:
    """``source`` may hold a password: show ``shown_source``. ``reason``: why it cannot be taken, with the remedy."""

    name: str
    source: str | None = None
    reason: str | None = None
    zones: tuple[Mapping[str, Any], ...] = ()
    left_out: tuple[str, ...] = ()  # zones that could not be taken, each with why

    @classmethod
    def from_source(cls, name: str, source: str) -> KnownCamera:
        """It is refused here, with the reason, where we could not connect to its source."""
        try:
            parsed = Source.parse(source)
        except SourceRejectedError as error:
            return cls(name, reason=str(error))
        if parsed.kind is not SourceKind.PULL:
            return cls(name, reason="its source is no rtsp:// or rtsps:// address: give it an RTSP restream first")
        return cls(name, source=parsed.url)

    @property
    def shown_source(self) -> str:
        """The source without its password."""
        return "-" if self.source is None else str(Source.parse(self.source))

    def fields(self, camera_id: str) -> dict[str, Any]:
        """What `POST /cameras` takes."""
        fields: dict[str, Any] = {"id": camera_id, "name": self.name[:_LONGEST_NAME], "source": self.source}
        return fields | ({"zones": [dict(zone) for zone in self.zones]} if self.zones else {})


def with_ids(cameras: Iterable[KnownCamera]) -> list[tuple[KnownCamera, str]]:
    """Each camera with an id that is as near to its name as ids may be; none twice."""
    taken: set[str] = set()
    pairs = []
    for camera in cameras:
        base = re.sub(r"[^a-z0-9_-]", "-", camera.name.lower()[:_LONGEST_ID]).lstrip("-_") or "camera"
        pairs.append((camera, _free(base, taken)))
        taken.add(pairs[-1][1])
    return pairs


def _free(base: str, taken: set[str]) -> str:
    candidate, number = base, 1
    while candidate in taken:
        number += 1
        ending = f"-{number}"
        candidate = base[: _LONGEST_ID - len(ending)] + ending
    return candidate
