"""What is remembered of the pictures of normal footage while a bank is learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.exemplars.footage_moments import FootageMoments, Moment
from models.exemplars.thumbnail import thumbnail
from models.frames.features import Features

THUMBNAILS_MB = 4.0


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

    def add(self, moment: Moment, rgb: NDArray[np.uint8]) -> None:
        """``rgb``: uint8 (h, w, 3); a thumbnail of some 3 kB is kept of it."""
        height, width = rgb.shape[:2]
        self._pictures.append(_Picture(moment, (width, height), thumbnail(rgb) if self._limit_bytes else b""))

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Width and height of each picture, in pixels."""
        return [picture.size for picture in self._pictures]

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
        different, rows = np.unique(entries, return_inverse=True)
        tables = [
            features[entry].boxes_xyxy_px / np.array(self._pictures[entry].size * 2, np.float32) for entry in different
        ]
        starts = np.cumsum([0, *(len(table) for table in tables)])
        return np.asarray(np.concatenate(tables)[starts[rows.reshape(entries.shape)] + regions], np.float32)

    def moments(self, referred: Sequence[NDArray[np.int64]]) -> tuple[FootageMoments, list[NDArray[np.int64]]]:
        """The moments of all entries that are referred to, and the same references as indices into them.

        ``referred``: entries named by the exemplars of each stream, any shape. Thumbnails are kept of those that
        most exemplars refer to, each stream counting alike, as far as the limit goes.
        """
        entries = np.unique(np.concatenate([one.ravel() for one in referred]))
        rows = [np.searchsorted(entries, one) for one in referred]
        shares = sum(np.bincount(one.ravel(), minlength=len(entries)) / max(1, one.size) for one in rows)
        pictures = [self._pictures[entry] for entry in entries]
        left, kept = self._limit_bytes, [b""] * len(pictures)
        for row in np.argsort(-np.asarray(shares), kind="stable"):
            if len(pictures[row].thumbnail) > left:
                break
            kept[row] = pictures[row].thumbnail
            left -= len(kept[row])
        return FootageMoments(tuple(picture.moment for picture in pictures), tuple(kept)), rows
