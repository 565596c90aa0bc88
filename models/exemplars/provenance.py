"""Provenance: where in the normal footage an exemplar was seen: source, time, region, and a thumbnail of some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Features

_UNKNOWN_S = -1.0
THUMBNAILS_MB = 4.0
LONG_SIDE_PX = 160
_QUALITY = 70


@dataclass(frozen=True, slots=True)
class Moment:
    """``source``: index into the names in the bank's footage. ``time_s``: seconds since that source began.
    ``captured_at_s``: Unix time in seconds, known of live footage only."""

    source: int
    time_s: float
    captured_at_s: float | None = None


@dataclass(frozen=True)
class FootageMoments:
    """Many moments, in order of the footage. Empty bytes stand for a thumbnail that was not kept. Moments of a stretch
    of memory have few thumbnails among them, each of which is in memory once."""

    moments: tuple[Moment, ...]
    thumbnails: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if len(self.moments) != len(self.thumbnails):
            raise ValueError(f"{len(self.moments)} moments with {len(self.thumbnails)} thumbnails")

    def __len__(self) -> int:
        return len(self.moments)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, as they stand in a bank file; an unknown capture time is -1."""
        captured = [_UNKNOWN_S if moment.captured_at_s is None else moment.captured_at_s for moment in self.moments]
        return {
            "moment_sources": np.array([moment.source for moment in self.moments], np.int32),
            "moment_times_s": np.array([moment.time_s for moment in self.moments], np.float64),
            "moment_captured_at_s": np.array(captured, np.float64),
            "thumbnail_sizes": np.array([len(jpeg) for jpeg in self.thumbnails], np.int32),
            "thumbnails": np.frombuffer(b"".join(self.thumbnails), np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Inverse of `arrays`. Raises KeyError for a missing one, ValueError for lengths that do not match."""
        facts = [arrays[f"moment_{name}"].tolist() for name in ("sources", "times_s", "captured_at_s")]
        moments = tuple(
            Moment(source, time_s, None if at_s == _UNKNOWN_S else at_s)
            for source, time_s, at_s in zip(*facts, strict=True)
        )
        ends = np.cumsum(arrays["thumbnail_sizes"]).tolist()
        joined, known = arrays["thumbnails"].tobytes(), dict[bytes, bytes]()
        jpegs = (joined[start:end] for start, end in zip([0, *ends], ends, strict=False))
        return cls(moments, tuple(known.setdefault(jpeg, jpeg) for jpeg in jpegs))


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture of which only a thumbnail is left. ``size``: width and height that it had, in pixels. ``thumbnail``: a
    JPEG as `thumbnail` makes it, or empty."""

    size: tuple[int, int]
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class _Picture:
    moment: Moment
    size: tuple[int, int]  # width, height
    thumbnail: bytes


class FootageIndex:
    """One entry per kept frame, in order. ``thumbnails_mb`` bounds the thumbnails a bank gets; 0 makes none."""

    def __init__(self, thumbnails_mb: float) -> None:
        self._limit_bytes = int(thumbnails_mb * 1e6)
        self._pictures: list[_Picture] = []

    def add(self, moment: Moment, picture: NDArray[np.uint8] | StoredPicture) -> None:
        """``picture``: uint8 (h, w, 3), of which a thumbnail of some 3 kB is kept; or what is left of one."""
        if isinstance(picture, StoredPicture):
            self._pictures.append(_Picture(moment, picture.size, picture.thumbnail if self._limit_bytes else b""))
            return
        height, width = picture.shape[:2]
        self._pictures.append(_Picture(moment, (width, height), thumbnail(picture) if self._limit_bytes else b""))

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Width and height of each picture, in pixels."""
        return [picture.size for picture in self._pictures]

    @property
    def thumbnails(self) -> list[bytes]:
        """Of each picture, empty where none is kept."""
        return [picture.thumbnail for picture in self._pictures]

    def thin(self, kept: Sequence[int]) -> None:
        """Let go of all entries but these."""
        self._pictures = [self._pictures[n] for n in kept]

    def boxes(
        self, entries: NDArray[np.int64], regions: NDArray[np.int32], features: Sequence[Features]
    ) -> NDArray[np.float32]:
        """The boxes of regions, float32 (..., 4), in parts of the width and height of the picture they are in.

        ``entries`` and ``regions`` are of one shape (...). ``features``: each entry's, in which regions are counted.
        """
        if entries.size == 0:
            return np.zeros((*entries.shape, 4), np.float32)
        unique, rows = np.unique(entries, return_inverse=True)
        tables = [
            features[entry].boxes_xyxy_px / np.array(self._pictures[entry].size * 2, np.float32) for entry in unique
        ]
        starts = np.cumsum([0, *(len(table) for table in tables)])
        return np.asarray(np.concatenate(tables)[starts[rows.reshape(entries.shape)] + regions], np.float32)

    def moments(self, referred: Sequence[NDArray[np.int64]]) -> tuple[FootageMoments, list[NDArray[np.int64]]]:
        """The moments of all entries that are referred to, and the same references as indices into them.

        ``referred``: entries named by the exemplars of each stream, any shape. Thumbnails are kept of those that
        most exemplars refer to, each stream counting alike, as far as the limit goes.
        """
        entries = np.unique(np.concatenate([references.ravel() for references in referred]))
        rows = [np.searchsorted(entries, references) for references in referred]
        shares = sum(
            np.bincount(references.ravel(), minlength=len(entries)) / max(1, references.size) for references in rows
        )
        pictures = [self._pictures[entry] for entry in entries]
        left, kept = self._limit_bytes, [b""] * len(pictures)
        for row in np.argsort(-np.asarray(shares), kind="stable"):
            if len(pictures[row].thumbnail) > left:
                break
            kept[row] = pictures[row].thumbnail
            left -= len(kept[row])
        return FootageMoments(tuple(picture.moment for picture in pictures), tuple(kept)), rows


def thumbnail(rgb: NDArray[np.uint8]) -> bytes:
    """JPEG of a picture, uint8 RGB (h, w, 3), its long side brought to at most 160 px."""
    height, width = rgb.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else rgb
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"a picture of shape {rgb.shape} cannot be encoded")
    return encoded.tobytes()


@dataclass(frozen=True)
class ExemplarOrigins:
    """Where the exemplars of all seeds of a stream were seen.

    ``moments``: unsigned (seeds, groups, exemplars), index into the bank's `FootageMoments`. ``regions``: of
    the same shape, row of ``boxes``: float16 (n, 4), the different regions as x1, y1, x2, y2 relative to the picture
    (0..1). The same few regions come again and again: a table of them, and the smallest integers, keep banks small.
    """

    moments: NDArray[np.unsignedinteger[Any]]
    regions: NDArray[np.unsignedinteger[Any]]
    boxes: NDArray[np.float16]

    def __post_init__(self) -> None:
        if self.moments.ndim != 3 or self.regions.shape != self.moments.shape or self.boxes.shape[1:] != (4,):
            raise ValueError(
                f"origins of shapes {self.moments.shape}, {self.regions.shape}, {self.boxes.shape} do not match"
            )

    @classmethod
    def from_boxes(cls, moments: NDArray[np.int64], boxes: NDArray[np.float32]) -> Self:
        """``moments``: (seeds, groups, exemplars); ``boxes``: float32 (seeds, groups, exemplars, 4), relative."""
        different, rows = np.unique(boxes.astype(np.float16).reshape(-1, 4), axis=0, return_inverse=True)
        return cls(_small(moments), _small(rows.reshape(moments.shape)), different)

    def of_exemplars(self, some: slice) -> ExemplarOrigins:
        """Of these exemplars of each seed and group alone."""
        return ExemplarOrigins(self.moments[:, :, some], self.regions[:, :, some], self.boxes)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, as they stand in a bank file."""
        return {"moments": self.moments, "regions": self.regions, "boxes": self.boxes}


def _small(indices: NDArray[np.int64]) -> NDArray[np.unsignedinteger[Any]]:
    return indices.astype(np.min_scalar_type(int(indices.max(initial=0))))
