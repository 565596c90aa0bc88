"""One testing clip: its labelled events, its alarms, and its frames one by one."""

from __future__ import annotations

from dataclasses import dataclass

# x1, y1, x2, y2 as fractions of the picture's width and height, 0..1
RelativeBox = tuple[float, float, float, float]


@dataclass(frozen=True)
class Detection:
    """What became of a labelled event at one budget (by its name). ``delay_s`` is None when it was missed."""

    budget: str
    detected: bool
    delay_s: float | None


@dataclass(frozen=True)
class LabelledEvent:
    """A maximal range of anomalous frames, counted from 1, both inclusive. ``detections``: one for each budget."""

    first_frame: int
    last_frame: int
    starts_s: float
    ends_s: float
    detections: tuple[Detection, ...]


@dataclass(frozen=True)
class Alarm:
    """An event that the camera's rule opened at one budget. ``false``: it overlaps no labelled range."""

    budget: str
    opened_s: float
    ended_s: float
    peak_s: float
    peak_score: float
    driver: str | None
    false: bool


@dataclass(frozen=True)
class Timeline:
    """A testing clip frame by frame, as analysed: all tuples are of one length.

    Times are seconds since the clip's start. ``service``, ``unsmoothed`` and ``paper`` are in 0..1; ``paper`` looks
    into the future. ``rarities``: by the stream's name, in -log10 of the share of normal frames, None where the stream
    did not judge the frame. ``drivers``: the stream that contributed most; ``boxes``: its region.
    """

    times_s: tuple[float, ...]
    truth: tuple[bool, ...]
    service: tuple[float, ...]
    unsmoothed: tuple[float, ...]
    paper: tuple[float, ...]
    rarities: dict[str, tuple[float | None, ...]]
    drivers: tuple[str | None, ...]
    boxes: tuple[RelativeBox | None, ...]


@dataclass(frozen=True)
class ClipResult:
    """One testing clip. ``frames`` and ``anomalous`` count its own frames, ``analysed`` those that were analysed.

    ``service``, ``unsmoothed``, ``paper``: AUROC within the clip, None where it holds one class only.
    """

    name: str
    frames: int
    anomalous: int
    analysed: int
    service: float | None
    unsmoothed: float | None
    paper: float | None
    events: tuple[LabelledEvent, ...]
    alarms: tuple[Alarm, ...]
    timeline: Timeline | None


@dataclass(frozen=True)
class MisjudgedFrame:
    """A frame whose score is far from its label. ``frame``: its number in the clip, from 1. ``score``: the service
    score. ``picture_jpeg``: base64, empty if left out."""

    clip: str
    at_s: float
    frame: int
    anomalous: bool
    score: float
    driver: str | None
    box: RelativeBox | None
    picture_jpeg: str
