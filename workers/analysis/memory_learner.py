"""Learns a bank from what is remembered of a camera. No footage is read, and neither network nor decoder is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from models.alarms.alarm_threshold import FALSE_ALARMS_PER_DAY, LEAST_ON
from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.engine.engine import make_stream, one_thread
from models.exemplars.provenance import THUMBNAILS_MB, Moment, StoredPicture
from models.frames.frame import Features
from models.memory.spans import SpanMs, learning, overlaps, rejecting
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import SAME_RUN_WITHIN_S, Stretch, StretchIdentity, StretchInfo
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import Profile
from models.streams.base import CompactStream, Stream
from patchwatch.contract.errors import InsufficientFootageError, PatchwatchError
from patchwatch.messages.banks.arming import MemoryExtent

_READING_SHARE = 0.5  # of the time that learning takes, for the progress bar

Progress = Callable[[float, str], None]


def learnable(infos: Sequence[StretchInfo]) -> list[StretchInfo]:
    """What can be learnt from together, oldest first: all of the same networks and options as the newest."""
    ordered = sorted(infos, key=lambda info: (info.started_ms, info.id))
    return [info for info in ordered if info.identity == ordered[-1].identity]


def extent_of(infos: Sequence[StretchInfo]) -> MemoryExtent:
    """How much there is to learn from."""
    chosen = learnable(infos)
    if not chosen:
        return MemoryExtent()
    return MemoryExtent(
        seconds=round(sum(info.seconds * (1.0 - info.excluded) for info in chosen), 3),
        stretches=len(chosen),
        from_ms=chosen[0].started_ms,
        until_ms=max(info.ended_ms for info in chosen),
        identity=chosen[-1].identity,
    )


def unlike_s(infos: Sequence[StretchInfo], since_ms: int) -> float:
    """Seconds remembered since then that may be learnt and scored, on average, as high as an alarm level at its lowest:
    the bank that scored them does not know what they show."""
    return sum(
        info.seconds * (1.0 - info.excluded)
        for info in learnable(infos)
        if info.started_ms > since_ms and info.mean_score is not None and info.mean_score >= LEAST_ON
    )


def learn_from_memory(
    store: MemoryStore,
    profile: Profile,
    *,
    false_alarms_per_day: float = FALSE_ALARMS_PER_DAY,
    thumbnails_mb: float = THUMBNAILS_MB,
    rejected_ms: Sequence[SpanMs] = (),
    learnt_ms: Sequence[SpanMs] = (),
    progress: Progress = lambda done, what: None,
) -> Bank:
    """Of everything but the spans that operators rejected; of ``learnt_ms`` although it alarmed. Raises
    `InsufficientFootageError` when too little is remembered of what the profile would make today."""
    infos = store.infos()
    chosen = learnable(infos)
    learner: _MemoryLearner | None = None
    kept: list[StretchInfo] = []
    for number, info in enumerate(taking_turns(chosen, learnt_ms)):
        progress(_READING_SHARE * number / len(chosen), f"reading the memory of {profile.name}")
        try:
            stretch = store.read(info.id)
        except PatchwatchError:  # damaged, or let go meanwhile to make room
            continue
        learner = learner or _MemoryLearner(profile, stretch.identity, false_alarms_per_day, thumbnails_mb)
        learner.add(rejecting(learning(stretch, learnt_ms), rejected_ms))
        kept.append(info)
    if learner is None:
        raise InsufficientFootageError("nothing is remembered of this camera yet: wait until it has delivered pictures")
    unreadable = store.damaged + len(chosen) - len(kept)
    source = in_words(kept, others=len(infos) - len(chosen), damaged=unreadable)
    return learner.build(source, lambda done: progress(_READING_SHARE * (1 + done), "drawing exemplars, calibrating"))


def taking_turns(infos: Sequence[StretchInfo], learnt_ms: Sequence[SpanMs]) -> list[StretchInfo]:
    """Those that alarmed evenly among the others: were all of them held out together, nothing would vouch for them, and
    the level would rise above what they show."""
    alarmed = [info for info in infos if info.excluded and overlaps(info.started_ms, info.ended_ms, learnt_ms)]
    ids = {info.id for info in alarmed}
    others = [info for info in infos if info.id not in ids]
    places = [
        ((n + 0.5) / len(part), m, info) for m, part in enumerate((others, alarmed)) for n, info in enumerate(part)
    ]
    return [info for _, _, info in sorted(places, key=lambda place: place[:2])]


def in_words(kept: Sequence[StretchInfo], *, others: int, damaged: int) -> str:
    """What a bank was learnt from. ``others``: stretches of other networks, options or zones, which were left out."""
    extent = extent_of(kept)
    minutes, seconds = divmod(round(extent.seconds), 60)
    days = len({datetime.fromtimestamp(info.started_ms / 1000, UTC).date() for info in kept})
    length = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    words = f"memory: {_counted(len(kept), 'stretch', 'stretches')}, {length}, from {_counted(days, 'day', 'days')}"
    left_out = [f"{others} of other networks, options or zones"] if others else []
    left_out += [f"{damaged} unreadable"] if damaged else []
    return f"{words}; left out: {', '.join(left_out)}" if left_out else words


class _MemoryLearner:
    """Gives the frames of stretches to a bank builder. Frames that must not be learnt break the run they are in."""

    def __init__(
        self, profile: Profile, identity: StretchIdentity, false_alarms_per_day: float, thumbnails_mb: float
    ) -> None:
        one_thread()
        if stretch_identity(profile, identity.engine, identity.view).fingerprint != identity.fingerprint:
            raise InsufficientFootageError(
                f"what is remembered of this camera was made before the profile {profile.name!r} was changed: wait "
                "until enough is remembered of the new one"
            )
        self._streams = _streams(profile, identity)
        self._builder = BankBuilder(
            profile, self._streams, identity.engine, false_alarms_per_day, thumbnails_mb, identity.view
        )
        self._last: tuple[int, float] | None = None  # run and own time of the frame before; None: it was left out
        self._offset_s = 0.0

    def add(self, stretch: Stretch) -> None:
        """The next stretch, in order of time."""
        pictures, learnable = _pictures(stretch), stretch.learnable
        for n, at_s in enumerate(stretch.times_s.tolist()):
            if not learnable[n]:
                self._last = None
                continue
            starts_run = not self._goes_on(int(stretch.runs[n]), at_s)
            if starts_run:
                self._offset_s = self._builder.next_free_s - at_s
            self._last = int(stretch.runs[n]), at_s
            captured_s = stretch.started_ms / 1000 + at_s - float(stretch.times_s[0])
            moment = Moment(0, self._offset_s + at_s, captured_s)
            of_streams = zip(self._streams, stretch.features, strict=True)
            features = [_as_kept(stream, frames[n]) for stream, frames in of_streams]
            self._builder.add(self._offset_s + at_s, features, pictures[n], moment=moment, starts_run=starts_run)

    def _goes_on(self, run: int, at_s: float) -> bool:
        return self._last is not None and self._last[0] == run and 0 < at_s - self._last[1] <= SAME_RUN_WITHIN_S

    def build(self, source: str, progress: Callable[[float], None]) -> Bank:
        bank = self._builder.build([source], progress)
        return replace(bank, footage=replace(bank.footage, remembered=True))


def _streams(profile: Profile, identity: StretchIdentity) -> list[Stream]:
    """The streams as the networks that made the memory would have them."""
    known = [facts.get("classes_known") for facts in identity.engine.get("preprocessing", {}).values()]
    classes: Sequence[str] = next((classes for classes in known if classes), ())
    return [make_stream(spec, classes) for spec in profile.streams]


def _as_kept(stream: Stream, features: Features) -> Features:
    """Streams that name no narrower type measure in float32, whatever is stored."""
    if isinstance(stream, CompactStream) or features.vectors.dtype == np.float32:
        return features
    return replace(features, vectors=features.vectors.astype(np.float32))


def _pictures(stretch: Stretch) -> list[StoredPicture]:
    """For each frame the thumbnail that is nearest to it in the stretch."""
    if not stretch.thumbnails:
        return [StoredPicture(stretch.size, b"")] * len(stretch.times_s)
    kept = [StoredPicture(stretch.size, thumbnail.jpeg) for thumbnail in stretch.thumbnails]
    of = np.array([thumbnail.frame for thumbnail in stretch.thumbnails])
    return [kept[int(np.argmin(np.abs(of - n)))] for n in range(len(stretch.times_s))]


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
