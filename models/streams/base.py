"""What every stream can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.features import Features
from models.perception import Perception


class Stream(Protocol):
    """Turns the frames of a batch into vectors, and normal vectors into exemplars.

    A stream keeps no state of its own between batches: what it remembers of a camera lives in that camera's
    `models.perception.View`.
    """

    name: str
    dim: int

    def extract(self, perception: Perception) -> list[Features]:
        """One `Features` per frame of the batch, in order."""
        ...

    def exemplars(self, normal: Sequence[Features], seed: int) -> NDArray[np.float32]:
        """Draw the memory bank of one seed from normal footage: float32 (groups, exemplars, dim).

        Groups with fewer vectors than others repeat some, so that the array is full. Raises
        `InsufficientFootageError` when there are too few vectors.
        """
        ...

    def preprocessing(self) -> dict[str, Any]:
        """Everything that must be equal between enrolment and scoring, as JSON values; kept in the bank file."""
        ...
