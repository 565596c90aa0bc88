"""Which stored evidence has to go: by its age, and by the size of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from patchwatch.messages.alerts.evidence import FOLDER, KEEP
from patchwatch.storage.storage import StoredFile

_SETTLED_S = 3600.0


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


class SettledTime:
    """What time it is at the least. Of the wall clock, a step forward counts only once it has lasted for an hour by the
    monotonic clock; a step back counts at once.

    A host without a clock of its own may be years ahead until the network sets it right, and so is the Redis on it.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._offset_s: float | None = None  # wall clock minus monotonic clock, as believed
        self._ahead: tuple[float, float] | None = None  # the least offset beyond that, and since when it is beyond

    def observe(self, wall_s: float) -> float | None:
        """Unix time; None within the first hour, when nothing is known yet."""
        now_s = self._monotonic_s()
        offset_s = wall_s - now_s
        if self._offset_s is not None and offset_s <= self._offset_s:
            self._offset_s, self._ahead = offset_s, None
        else:
            least_s, since_s = self._ahead or (offset_s, now_s)
            self._ahead = min(least_s, offset_s), since_s
            if now_s - since_s >= _SETTLED_S:
                self._offset_s, self._ahead = self._ahead[0], None
        return None if self._offset_s is None else now_s + self._offset_s
