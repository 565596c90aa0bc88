"""Learning a bank from clips, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.exemplars.provenance import Moment
from models.frames.frame import Features


class ClipLearner:
    """Gives the frames of clips to a bank builder: on one rising time axis, each with its moment in its clip.

    Call `begin` before the frames of each clip, and `build` at the end.
    """

    def __init__(self, builder: BankBuilder) -> None:
        self._builder = builder
        self._names: list[str] = []
        self._live = False
        self._offset_s = 0.0
        self._first_s: float | None = None

    def begin(self, name: str, *, live: bool = False) -> None:
        """Start a clip. ``live``: its frames' times are Unix times; those of a recording count from its start."""
        self._names.append(name)
        self._live = live
        self._offset_s = self._builder.next_free_s
        self._first_s = None

    def add(
        self, at_s: float, features: Sequence[Features], rgb: NDArray[np.uint8], *, discontinuity: bool, cut: bool
    ) -> None:
        """Add the clip's next frame, with the picture ``rgb`` (h, w, 3)."""
        starts_clip = self._first_s is None
        first_s = at_s if self._first_s is None else self._first_s
        self._first_s = first_s
        since_s = at_s - first_s
        source = len(self._names) - 1
        self._builder.add(
            self._offset_s + since_s,
            features,
            rgb,
            moment=Moment(source, since_s, at_s) if self._live else Moment(source, at_s),
            starts_run=starts_clip or discontinuity,
            cut=cut,
        )

    def build(self, progress: Callable[[float], None] = lambda done: None) -> Bank:
        """The bank of all clips. Raises `InsufficientFootageError`."""
        return self._builder.build(self._names, progress)
