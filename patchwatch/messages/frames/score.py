"""One scored frame, as published and kept. The stream entry's id is ``<captured_at in ms>-<n>``."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, isinf
from typing import Annotated

from pydantic import Field

from patchwatch.contract.bounds import LATEST_MS, counted
from patchwatch.contract.errors import InvalidMessageError, NewerMessageError

# version, flags, seq, captured_at_ns, scored_at_ns, raw, score, stream index, x1, y1, x2, y2
_FIXED = struct.Struct("<BBQqqddBHHHH")
VERSION = 1
_RANDOM_WEIGHTS = 1
_GATE_SHIFT, _GATE_BITS = 1, 3  # two bits of the flags; 0: written by a version that did not store the gate
_REJOINED = 8
_EVENTS_BEGAN = 16
_NO_STREAM = 255
_BANK_BYTES = 6
_ROUNDING = 1 + 1e-9


@dataclass(frozen=True, slots=True)
class Region:
    """A box in pixels of the camera's own picture."""

    x1: Annotated[int, Field(examples=[412])]
    y1: Annotated[int, Field(examples=[96])]
    x2: Annotated[int, Field(examples=[468])]
    y2: Annotated[int, Field(examples=[240])]

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """``x1, y1, x2, y2``."""
        return self.x1, self.y1, self.x2, self.y2

    @classmethod
    def scaled(cls, box_xyxy_px: Sequence[float], size: tuple[int, int], to_size: tuple[int, int]) -> Region:
        """A box of a picture in the same picture of another size, inside it, in whole pixels. Sizes: (width, height).

        From the analysed picture to the camera's own, or from that one to what is shown.
        """
        x1, y1, x2, y2 = (
            min(whole, max(0, round(edge * whole / length)))
            for edge, length, whole in zip(box_xyxy_px, size * 2, to_size * 2, strict=True)
        )
        return cls(x1, y1, x2, y2)


class ScoreGate(StrEnum):
    """Whether the score might open an event: see `models.alarms.event_detector.AlertGate`, whose values these are."""

    OPEN = "open"
    HOLD = "hold"
    SUPPRESS = "suppress"


_GATES = (None, *ScoreGate)  # by their number in the flags


@dataclass(frozen=True, slots=True)
class StreamReading:
    """One stream's evidence on a frame: ``rarity`` is calibrated (`models.alarms.calibration`); None: no evidence."""

    name: str
    rarity: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """Score of one frame: ``score`` in 0..1 is calibrated and causally smoothed, ``raw`` is fused but neither.

    ``driver`` names the stream that contributed most, ``region`` the place; both are None without evidence. ``zones``:
    names of the camera's zones that the region lies in.

    What follows is what a replay of the events needs, unknown for scores of earlier versions. ``gate``: None where it
    is unknown. ``rejoined``: the smoothing began again with this frame. ``events_began``: what was open before this
    frame had been closed without a frame. ``bank_id``: of the bank that it was scored with; empty where it is unknown.
    """

    seq: int
    captured_at_ns: int
    scored_at_ns: int
    raw: float
    score: float
    streams: tuple[StreamReading, ...]
    driver: str | None
    region: Region | None
    random_weights: bool = False
    zones: tuple[str, ...] = ()
    gate: ScoreGate | None = None
    rejoined: bool = False
    events_began: bool = False
    bank_id: str = ""

    def encode(self) -> dict[bytes, bytes]:
        """Fields of the stream entry."""
        names = [reading.name for reading in self.streams]
        driver = names.index(self.driver) if self.driver is not None else _NO_STREAM
        region = self.region or Region(0, 0, 0, 0)
        flags = _RANDOM_WEIGHTS * self.random_weights | _REJOINED * self.rejoined | _EVENTS_BEGAN * self.events_began
        fixed = _FIXED.pack(
            VERSION, flags | _GATES.index(self.gate) << _GATE_SHIFT, self.seq, self.captured_at_ns, self.scored_at_ns,
            self.raw, self.score, driver, region.x1, region.y1, region.x2, region.y2,
        )  # fmt: skip
        nan = float("nan")
        rarities = [nan if reading.rarity is None else reading.rarity for reading in self.streams]
        zones = {b"z": "\n".join(self.zones).encode()} if self.zones else {}
        bank = {b"b": bytes.fromhex(self.bank_id)} if self.bank_id else {}
        packed = fixed + struct.pack(f"<{len(names)}f", *rarities)
        return {b"s": packed, b"n": ",".join(names).encode()} | bank | zones

    @classmethod
    def decode(cls, fields: dict[bytes, bytes]) -> Score:
        """Raises `InvalidMessageError` on a truncated entry or an unknown version."""
        try:
            packed, names = fields[b"s"], [name for name in fields[b"n"].decode().split(",") if name]
            version, flags, seq, captured, scored, raw, score, driver, *corners = _FIXED.unpack_from(packed)
            rarities = struct.unpack(f"<{len(names)}f", packed[_FIXED.size :])
        except (KeyError, ValueError, struct.error) as error:
            raise InvalidMessageError(f"score is truncated or not a score ({error})") from None
        if version != VERSION:
            raise _of_other_version("score", version)
        if not (isfinite(raw) and 0 <= score <= 1 and captured >= 0 and scored >= 0):
            raise InvalidMessageError(f"score {score} ({raw} raw) of {captured} ns is out of bounds")
        if any(map(isinf, rarities)):
            raise InvalidMessageError("score holds an infinite rarity")
        zones = tuple(fields.get(b"z", b"").decode(errors="replace").split("\n")) if b"z" in fields else ()
        readings = (StreamReading(n, None if r != r else r) for n, r in zip(names, rarities, strict=True))
        region = Region(*corners) if corners[2] > corners[0] else None
        driver_name = names[driver] if driver < len(names) else None
        return cls(
            seq,
            captured,
            scored,
            raw,
            score,
            tuple(readings),
            driver_name,
            region,
            bool(flags & _RANDOM_WEIGHTS),
            zones,
            _GATES[flags >> _GATE_SHIFT & _GATE_BITS],
            bool(flags & _REJOINED),
            bool(flags & _EVENTS_BEGAN),
            fields.get(b"b", b"")[:_BANK_BYTES].hex(),
        )


@dataclass(frozen=True, slots=True)
class ScoreMinute:
    """All scores of a camera in one wall-clock minute: count, mean and maximum."""

    minute_ms: int
    count: int
    total: float
    peak: float

    _LAYOUT = struct.Struct("<BIdd")

    def encode(self) -> dict[bytes, bytes]:
        return {b"m": self._LAYOUT.pack(VERSION, self.count, self.total, self.peak), b"t": b"%d" % self.minute_ms}

    @classmethod
    def decode(cls, entry_ms: int, fields: dict[bytes, bytes]) -> ScoreMinute:
        """``entry_ms``: the entry's id, which earlier versions knew the minute by. Raises `InvalidMessageError`."""
        minute_ms = min(counted(fields[b"t"]), LATEST_MS) if b"t" in fields else entry_ms
        try:
            version, count, total, peak = cls._LAYOUT.unpack(fields[b"m"])
        except (KeyError, struct.error) as error:
            raise InvalidMessageError(f"minute {minute_ms} is truncated or not a minute ({error})") from None
        if version != VERSION:
            raise _of_other_version("minute", version)
        if not (count and 0 <= total <= count * _ROUNDING and 0 <= peak <= 1):
            raise InvalidMessageError(f"minute {minute_ms} is out of bounds: {count} scores, sum {total}, peak {peak}")
        return cls(minute_ms, count, total, peak)

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0


def _of_other_version(noun: str, version: int) -> InvalidMessageError:
    kind = NewerMessageError if version > VERSION else InvalidMessageError
    return kind(f"{noun} has version {version}, known is {VERSION}")
