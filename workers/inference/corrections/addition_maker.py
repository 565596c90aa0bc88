"""Makes a camera's additions of its corrections: from what was kept of each, else from the camera's memory."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from models.banks.additions import Addition, Additions
from models.banks.bank import Bank
from models.banks.hours import Hours
from models.banks.rare_vectors import StreamVectors, joined, rare_vectors
from models.frames.frame import Features
from models.memory.addition_file import AdditionFacts, load_addition, save_addition
from models.memory.spans import SpanMs, frames_within, overlaps
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import Stretch, StretchInfo
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import Profile
from patchwatch.contract.errors import NotFoundError, PatchwatchError, StorageError
from patchwatch.messages.cameras.correction import CameraCorrections, Correction

WRITTEN_AFTER_MS = 45_000  # a stretch is on disk at the latest so long after a moment in it
_MOST_STRETCHES = 120  # read for one correction: an hour; of more, evenly chosen ones
_MOST_FILES = 256
SUFFIX = ".addition"
NOTHING_REMEMBERED = "nothing is remembered of that time"
OTHER_NETWORKS = "what is remembered of that time was made with other networks or options"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AdditionOrder:
    """What is to be made. ``engine``: `Engine.identity`. ``folder``: of the camera's memory. ``held``: what of it is
    not on disk yet. ``now_ms``: Unix time. ``read``: whether the memory may be read, which takes time; else only what
    was kept of corrections."""

    camera_id: str
    bank: Bank
    engine: dict[str, Any] = field(repr=False)
    profile: Profile = field(repr=False)
    folder: Path
    corrections: CameraCorrections
    held: tuple[Stretch, ...] = field(default=(), repr=False)
    now_ms: int = 0
    read: bool = True


@dataclass(frozen=True)
class AdditionsMade:
    """``additions``: None where no correction is in force. ``waiting``: by the id of each correction that is not in
    force yet, why. ``again_ms``: when more will be on disk of a correction, Unix time; None: of none."""

    order: AdditionOrder
    additions: Additions | None
    in_force: int = 0
    waiting: dict[str, str] = field(default_factory=dict)
    again_ms: int | None = None


def make_additions(order: AdditionOrder, memory_mb: float) -> AdditionsMade:
    """Never raises for what is on disk: a correction that cannot be made waits, and says why."""
    maker = _Maker(order, memory_mb)
    made: list[Addition] = []
    waiting: dict[str, str] = {}
    for correction in order.corrections.adding():
        try:
            addition = Addition(maker.streams(correction), _hours(correction))
            Additions(order.bank, [addition])  # one that does not fit must not cost the others
        except (PatchwatchError, ValueError) as error:
            waiting[correction.id] = str(error)
        else:
            made.append(addition)
    maker.remove_undone()
    additions = Additions(order.bank, made) if made else None
    return AdditionsMade(order, additions, len(made), waiting, maker.again_ms)


class _Maker:
    def __init__(self, order: AdditionOrder, memory_mb: float) -> None:
        self._order = order
        self._folder = order.folder / "corrections"
        self._fingerprint = _fingerprint(order.profile, order.engine)
        self._store = MemoryStore(order.folder, memory_mb)
        self._infos: list[StretchInfo] | None = None
        self._rejected = [(span.from_ms, span.until_ms) for span in order.corrections.rejected_spans()]
        self.again_ms: int | None = None

    def streams(self, correction: Correction) -> tuple[StreamVectors, ...]:
        """What the correction adds. Raises `PatchwatchError` where that cannot be said yet, with the reason."""
        kept, facts = self._kept(correction)
        written_ms = max(span.until_ms for span in correction.spans) + WRITTEN_AFTER_MS
        if kept is not None and facts is not None and facts.read_ms >= written_ms:
            return kept
        if kept is not None and (not self._order.read or self._order.now_ms < written_ms):
            self._again_at(written_ms)
            return kept
        if not self._order.read:
            self._again_at(self._order.now_ms)
            raise NotFoundError("it is being read from the memory")
        if self._order.now_ms < written_ms:
            self._again_at(written_ms)
        return self._read(correction, kept)

    def _again_at(self, at_ms: int) -> None:
        self.again_ms = at_ms if self.again_ms is None else min(at_ms, self.again_ms)

    def _kept(self, correction: Correction) -> tuple[tuple[StreamVectors, ...] | None, AdditionFacts | None]:
        try:
            streams, facts = load_addition(self._path(correction))
        except NotFoundError:
            return None, None
        except PatchwatchError as error:
            log.warning("%s: %s", self._order.camera_id, error)
            return None, None
        fits = facts.fingerprint == self._fingerprint and len(streams) == len(self._order.bank.streams)
        return (streams, facts) if fits else (None, None)

    def _read(self, correction: Correction, kept: tuple[StreamVectors, ...] | None) -> tuple[StreamVectors, ...]:
        spans = [(span.from_ms, span.until_ms) for span in correction.spans]
        frames = self._frames(spans)
        first = next(frames, None)
        if first is None and kept is None:
            raise NotFoundError(self._why_nothing(spans))
        found = rare_vectors(self._order.bank, chain([first], frames)) if first is not None else None
        parts = [part for part in (kept, found) if part is not None]
        streams = joined(self._order.bank, parts)
        try:
            save_addition(self._path(correction), streams, self._fingerprint, self._order.now_ms)
        except StorageError as error:  # it counts, and is read again after a restart
            log.warning("%s: %s", self._order.camera_id, error)
        return streams

    def _frames(self, spans: Sequence[SpanMs]) -> Iterator[tuple[Features, ...]]:
        for stretch in self._stretches(spans):
            if _fingerprint(self._order.profile, stretch.identity.engine) == self._fingerprint:
                yield from frames_within(stretch, spans, self._rejected)

    def _stretches(self, spans: Sequence[SpanMs]) -> Iterator[Stretch]:
        held_since = {stretch.started_ms for stretch in self._order.held}  # on disk may be their beginning only
        infos = [info for info in self._overlapping(spans) if info.started_ms not in held_since]
        for info in infos[:: max(1, -(-len(infos) // _MOST_STRETCHES))]:
            with suppress(PatchwatchError):  # damaged, or let go meanwhile
                yield self._store.read(info.id)
        yield from self._order.held

    def _overlapping(self, spans: Sequence[SpanMs]) -> list[StretchInfo]:
        if self._infos is None:
            self._infos = self._store.infos()
        return [info for info in self._infos if overlaps(info.started_ms, info.ended_ms, spans)]

    def _why_nothing(self, spans: Sequence[SpanMs]) -> str:
        return OTHER_NETWORKS if self._overlapping(spans) else NOTHING_REMEMBERED

    def remove_undone(self) -> None:
        """Delete what was kept of corrections that were undone. Those not heard of may be of a Redis that lost its
        data: of them only the oldest go, where there are very many."""
        undone = {one.id for one in self._order.corrections.corrections if not one.in_force}
        with suppress(OSError):
            files = sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
            for number, path in enumerate(files):
                if path.stem in undone or number < len(files) - _MOST_FILES:
                    path.unlink(missing_ok=True)

    def _path(self, correction: Correction) -> Path:
        return self._folder / f"{correction.id}{SUFFIX}"


def _fingerprint(profile: Profile, engine: dict[str, Any]) -> str:
    """Whatever counts in the picture: a region is compared by what it shows."""
    return stretch_identity(profile, engine).fingerprint


def _hours(correction: Correction) -> Hours | None:
    hours = correction.hours
    return None if hours is None else Hours(hours.from_minute, hours.minutes, hours.weekday)
