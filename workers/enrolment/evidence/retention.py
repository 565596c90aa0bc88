"""Which stored evidence has to go: by its age, and by the size of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from patchwatch.messages.alerts.evidence import FOLDER, KEEP
from patchwatch.storage.storage import StoredFile


@dataclass
class StoredEvidence:
    """Of one alert. ``stored_at_s``: Unix time of the newest part. ``kept``: somebody said that it stays."""

    alert_id: str
    parts: list[StoredFile] = field(default_factory=list)
    kept: bool = False

    @property
    def bytes(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def stored_at_s(self) -> float:
        return max((part.modified_at_s for part in self.parts), default=0.0)


def grouped(files: Iterable[StoredFile]) -> list[StoredEvidence]:
    """Evidence by alert, oldest first. What lies elsewhere in the store is not ours."""
    found: dict[str, StoredEvidence] = {}
    for file in files:
        folder, _, rest = file.path.partition("/")
        alert_id, _, name = rest.partition("/")
        if folder != FOLDER or not alert_id or not name:
            continue
        evidence = found.setdefault(alert_id, StoredEvidence(alert_id))
        if name == KEEP:
            evidence.kept = True
        else:
            evidence.parts.append(file)
    return sorted((one for one in found.values() if one.parts), key=lambda one: one.stored_at_s)


def outdated(stored: Iterable[StoredEvidence], now_s: float, retention_s: float) -> list[StoredEvidence]:
    """Those whose time is over, unless they are kept."""
    return [one for one in stored if not one.kept and one.stored_at_s < now_s - retention_s]


def beyond(stored: Iterable[StoredEvidence], most_bytes: int, confirmed: frozenset[str]) -> list[StoredEvidence]:
    """Those that go so that the rest is no larger: the oldest first, confirmed anomalies last, kept ones never.

    ``stored``: oldest first.
    """
    everything = list(stored)
    too_much = sum(one.bytes for one in everything) - most_bytes
    gone = []
    for one in sorted((one for one in everything if not one.kept), key=lambda one: one.alert_id in confirmed):
        if too_much <= 0:
            break
        gone.append(one)
        too_much -= one.bytes
    return gone
