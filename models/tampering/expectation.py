"""The view that a camera is expected to show: the one that its bank was learnt from."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Frame
from models.frames.view import WHOLE, ViewMask
from models.tampering.judged_cells import JudgedPart
from models.tampering.signature import CHANGED, LEARNING_S, Background, Difference, PictureSignature, signature_of

_MOST = 8  # pictures, those that differ most: a bank of a day may have seen a minute of night
_CANDIDATES = 64
_LEAST_CONTRAST, _MOST_CONTRAST = 0.4, 2.5  # of the bank's: darker or lighter pictures are not compared


class Expectation:
    """Some pictures of the footage that a bank was learnt from. It is compared with until one is recognised."""

    def __init__(self, thumbnails: Sequence[bytes], mask: ViewMask = WHOLE) -> None:
        """``thumbnails``: JPEGs; empty ones, and what is no JPEG, are left out. ``mask``: what counts in them."""
        self._part = JudgedPart.from_mask(mask)
        self._background = _most_different(self._signatures(thumbnails, _CANDIDATES))

    def __bool__(self) -> bool:
        return bool(self._background)

    def compare(self, signature: PictureSignature) -> Difference | None:
        """Difference from the most similar picture; None where none can be compared with this one, as by night."""
        differences = [background.compare(signature) for background in self._background]
        fit = [
            difference
            for difference in differences
            if not difference.recoloured and _LEAST_CONTRAST <= difference.contrast <= _MOST_CONTRAST
        ]
        return min(fit, key=lambda difference: difference.changed, default=None)

    def excludes(self, thumbnails: Sequence[bytes]) -> bool:
        """Whether these pictures are of another view: some can be compared, and none of those is recognised."""
        differences = [
            difference
            for signature in self._signatures(thumbnails, _MOST)
            if (difference := self.compare(signature)) is not None
        ]
        return bool(differences) and all(difference.changed >= CHANGED for difference in differences)

    def _signatures(self, thumbnails: Sequence[bytes], most: int) -> list[PictureSignature]:
        """Of so many at most, evenly chosen."""
        kept = [jpeg for jpeg in thumbnails if jpeg]
        chosen = kept[:: max(1, -(-len(kept) // most))]
        pictures = [picture for jpeg in chosen if (picture := _decoded(jpeg)) is not None]
        return [signature_of(Frame(picture, 0.0), self._part) for picture in pictures]


def _most_different(signatures: Sequence[PictureSignature]) -> list[Background]:
    """Those that differ most from each other: the first, then always the one that is least like those chosen."""
    backgrounds = [_background(signature) for signature in signatures]
    least = np.full(len(signatures), np.inf)
    chosen: list[Background] = []
    for _ in range(min(_MOST, len(signatures))):
        following = int(least.argmax())
        chosen.append(backgrounds[following])
        least = np.minimum(least, [_unlike(chosen[-1], signature) for signature in signatures])
        least[following] = -1.0
    return chosen


def _unlike(background: Background, signature: PictureSignature) -> float:
    difference = background.compare(signature)
    return 1.0 if difference.recoloured else difference.changed


def _background(signature: PictureSignature) -> Background:
    background = Background()
    background.learn(signature, 0.0)
    background.learn(signature, LEARNING_S)
    return background


def _decoded(jpeg: bytes) -> NDArray[np.uint8] | None:
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
