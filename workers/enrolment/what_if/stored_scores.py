"""The stored scores of one camera, read from Redis within bounds, newest first, and laid out by column."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from models.alarms.event_detector import AlertGate
from models.alarms.event_replay import KnownScores
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.bus.streams import Entry, entry_ms
from patchwatch.contract.bounds import LATEST_MS
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.frames.camera_time import Eras
from patchwatch.messages.frames.score import Region, Score, ScoreGate, ScoreMinute, StreamReading

MOST_SCORES = 300_000  # 16 h at 5 frames a second; some hundred megabytes
LEAD_MS = 600_000  # read before the time asked for: an event that began there is open in it
_WITHIN_S = 20.0
_PAGE = 2000
_MINUTE_MS = 60_000
_PAUSE_S = 10.0  # a longer one is no time that was judged
_CLOCKS_AGREE_MS = 2000  # an id differs from its frame's own time by the milliseconds that it was pushed forward
_GATES = {None: AlertGate.OPEN} | {gate: AlertGate(gate.value) for gate in ScoreGate}


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """What is kept of a score beside the numbers of `StoredScores`. ``streams``: empty unless they were asked for."""

    captured_ms: int
    driver: str | None
    region: Region | None
    streams: tuple[StreamReading, ...]
    rejoined: bool
    bank_id: str


@dataclass
class StoredScores:
    """Scores in the order in which they were given. ``unreadable``: records left out. ``gates_unknown``: scores of
    earlier versions, which did not store the gate. ``cut_short``: there were more than may be read."""

    eras: Eras
    times_s: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    gates: list[AlertGate] = field(default_factory=list)
    begins: list[bool] = field(default_factory=list)
    frames: list[StoredFrame] = field(default_factory=list)
    high: int = 0  # how many of the first ones are only those that an event can hang on
    high_seconds: float = 0.0  # the time that these stand for, to the minute, ...
    high_frames: int = 0  # ... and how many frames were scored in it
    unreadable: int = 0
    gates_unknown: int = 0
    cut_short: bool = False

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def known(self) -> KnownScores:
        """As a replay takes them."""
        return KnownScores(np.array(self.times_s), np.array(self.scores), self.gates, np.array(self.begins, bool))

    def seconds_since(self, from_ms: int) -> float:
        """Time that the scores cover from a time of the wall clock on, without longer pauses."""
        all_of_them = zip(self.times_s[self.high :], self.frames[self.high :], strict=True)
        asked = [at_s for at_s, frame in all_of_them if frame.captured_ms >= from_ms]
        steps = np.diff(np.array(asked))
        return self.high_seconds + float(steps[steps <= _PAUSE_S].sum())

    @property
    def scored(self) -> int:
        """Frames that were scored in the time that was read."""
        return self.high_frames + len(self) - self.high

    def without_high(self) -> StoredScores:
        """Only the time of which all scores are stored."""
        n = self.high
        return StoredScores(
            self.eras, self.times_s[n:], self.scores[n:], self.gates[n:], self.begins[n:], self.frames[n:],
            unreadable=self.unreadable, gates_unknown=self.gates_unknown, cut_short=self.cut_short,
        )  # fmt: skip

    def wall_ms(self, at_s: float, since_s: float) -> int:
        """As live: what the wall clock showed at a moment of the camera's own time, as it was set at ``since_s``."""
        return min(LATEST_MS, max(0, self.eras.wall_ms(round(at_s * 1000), round(since_s * 1000))))

    def add(self, own_ms: int, score: Score, *, with_streams: bool) -> None:
        """The score before those that are known. One of the same time or later is left out."""
        at_s = _own_s(self.eras, own_ms, score.captured_at_ns)
        if self.times_s and at_s >= self.times_s[-1]:
            self.unreadable += 1
            return
        self.times_s.append(at_s)
        self.scores.append(score.score)
        self.gates.append(_GATES[score.gate])
        self.gates_unknown += score.gate is None
        self.begins.append(score.events_began)
        streams = score.streams if with_streams else ()
        captured_ms = score.captured_at_ns // 1_000_000
        self.frames.append(StoredFrame(captured_ms, score.driver, score.region, streams, score.rejoined, score.bank_id))

    def reverse(self) -> None:
        """From newest first to oldest first."""
        for column in (self.times_s, self.scores, self.gates, self.begins, self.frames):
            column.reverse()


def read_scores(
    client: Any, keys: CameraKeys, from_ms: int, to_ms: int, *, with_streams: bool = False, most: int = MOST_SCORES
) -> StoredScores:
    """The scores of frames captured between two times of the wall clock and shortly before, oldest first. Of too many,
    the newest."""
    stored = StoredScores(Eras.from_record(client.hget(keys.state, "eras")))
    deadline_s = time.monotonic() + _WITHIN_S
    for entry_id, fields in _newest_first(client, keys.scores, stored.eras, max(0, from_ms - LEAD_MS), to_ms):
        if len(stored) >= most or time.monotonic() > deadline_s:
            stored.cut_short = True
            break
        try:
            score = Score.decode(fields)
        except InvalidMessageError:
            stored.unreadable += 1
            continue
        if from_ms - LEAD_MS <= score.captured_at_ns // 1_000_000 <= to_ms:
            stored.add(entry_ms(entry_id.decode()), score, with_streams=with_streams)
    if not (with_streams or stored.cut_short):
        _read_high(client, keys, stored, from_ms, to_ms, deadline_s)
    stored.reverse()
    return stored


def _read_high(
    client: Any, keys: CameraKeys, stored: StoredScores, from_ms: int, to_ms: int, deadline_s: float
) -> None:
    """The scores that an event can hang on, from before those of which all are stored."""
    until_ms = min(to_ms, stored.frames[-1].captured_ms - 1) if len(stored) else to_ms
    known = len(stored)
    for entry_id, fields in _newest_first(client, keys.high_scores, stored.eras, max(0, from_ms - LEAD_MS), until_ms):
        if time.monotonic() > deadline_s:
            stored.cut_short = True
            break
        score = readable(Score.decode, fields, "a high score")
        if score is not None and from_ms - LEAD_MS <= score.captured_at_ns // 1_000_000 <= until_ms:
            stored.add(entry_ms(entry_id.decode()), score, with_streams=False)
    stored.high = len(stored) - known
    if stored.high:
        first_ms = max(from_ms, stored.frames[-1].captured_ms)
        _count_minutes(client, keys, stored, first_ms, until_ms)


def _count_minutes(client: Any, keys: CameraKeys, stored: StoredScores, from_ms: int, until_ms: int) -> None:
    for entry_id, fields in _newest_first(client, keys.minutes, stored.eras, from_ms, until_ms):
        minute = readable(partial(ScoreMinute.decode, entry_ms(entry_id.decode())), fields, "a minute")
        if minute is not None and from_ms - _MINUTE_MS < minute.minute_ms <= until_ms - _MINUTE_MS:
            stored.high_seconds += _MINUTE_MS / 1000
            stored.high_frames += minute.count


def _newest_first(client: Any, key: str, eras: Eras, from_ms: int, to_ms: int) -> Iterator[Entry]:
    for first_ms, last_ms in reversed(list(eras.own_ranges(from_ms, to_ms))):
        end = f"{last_ms}"
        while True:
            entries: Sequence[Entry] = client.xrevrange(key, max=end, min=str(first_ms), count=_PAGE)
            yield from entries
            if len(entries) < _PAGE:
                break
            end = f"({entries[-1][0].decode()}"


def _own_s(eras: Eras, own_ms: int, captured_ns: int) -> float:
    """The frame's time on the camera's own clock, to the nanosecond, as the event detector had it; to the millisecond
    where the eras do not tell any more how far that clock was from the wall clock."""
    own_ns = captured_ns + (own_ms - eras.wall_ms(own_ms)) * 1_000_000
    return own_ns / 1e9 if abs(own_ns // 1_000_000 - own_ms) <= _CLOCKS_AGREE_MS else own_ms / 1000
