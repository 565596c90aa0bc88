"""The moments of normal footage that exemplars were seen at: source, time, and a thumbnail of some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_UNKNOWN_S = -1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """``source``: index into the names in the bank's footage. ``time_s``: seconds since that source began.
    ``captured_at_s``: Unix time in seconds, known of live footage only."""

    source: int
    time_s: float
    captured_at_s: float | None = None


@dataclass(frozen=True)
class FootageMoments:
    """Many moments, in order of the footage. Empty bytes stand for a thumbnail that was not kept."""

    moments: tuple[Moment, ...]
    thumbnails: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if len(self.moments) != len(self.thumbnails):
            raise ValueError(f"{len(self.moments)} moments with {len(self.thumbnails)} thumbnails")

    def __len__(self) -> int:
        return len(self.moments)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By name, as they stand in a bank file; an unknown capture time is -1."""
        captured = [_UNKNOWN_S if one.captured_at_s is None else one.captured_at_s for one in self.moments]
        return {
            "moment_sources": np.array([one.source for one in self.moments], np.int32),
            "moment_times_s": np.array([one.time_s for one in self.moments], np.float64),
            "moment_captured_at_s": np.array(captured, np.float64),
            "thumbnail_sizes": np.array([len(jpeg) for jpeg in self.thumbnails], np.int32),
            "thumbnails": np.frombuffer(b"".join(self.thumbnails), np.uint8),
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Inverse of `arrays`. Raises KeyError for a missing one, ValueError for lengths that do not match."""
        facts = [arrays[f"moment_{name}"].tolist() for name in ("sources", "times_s", "captured_at_s")]
        moments = tuple(
            Moment(source, time_s, None if at_s == _UNKNOWN_S else at_s)
            for source, time_s, at_s in zip(*facts, strict=True)
        )
        ends = np.cumsum(arrays["thumbnail_sizes"]).tolist()
        joined = arrays["thumbnails"].tobytes()
        thumbnails = tuple(joined[start:end] for start, end in zip([0, *ends], ends, strict=False))
        return cls(moments, thumbnails)
