"""Whether a camera still shows anything new."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

_REMEMBERED = 8  # a frozen picture that is encoded again with each key frame goes through a few versions, over and over


class Stillness:
    """Compares exactly: the noise of a sensor makes each picture another one, however little happens in the scene."""

    def __init__(self) -> None:
        self._digests: deque[int] = deque(maxlen=_REMEMBERED)

    def repeats(self, digest: int) -> bool:
        """Whether this picture is one of the last few different ones."""
        if digest in self._digests:
            return True
        self._digests.append(digest)
        return False

    @property
    def digests(self) -> list[int]:
        """The state."""
        return list(self._digests)

    def restore(self, digests: Iterable[int]) -> None:
        """Go on from a stored state."""
        self._digests = deque((int(digest) for digest in digests), maxlen=_REMEMBERED)
