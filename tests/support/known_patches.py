"""A patch network whose maps are the picture itself, so that streams can be tested without OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Frame
from models.patch_network.patch_network import PatchMaps, PatchNetwork, input_shape

CHANNELS = (8, 16)  # of two blocks
_STRIDE_PX = 16
_MIXED = np.random.default_rng(5).normal(size=(3, sum(CHANNELS))).astype(np.float32)


class KnownPatches:
    """Each patch is a mixture of its mean colour."""

    device = "cpu"
    failed_graphs = eager_pictures = 0

    def patches(self, frames: Sequence[Frame]) -> list[PatchMaps]:
        return [self._maps(frame) for frame in frames]

    def _maps(self, frame: Frame) -> PatchMaps:
        height, width = input_shape(frame.height, frame.width)
        size = width // _STRIDE_PX, height // _STRIDE_PX
        colours = cv2.resize(frame.rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        maps: NDArray[np.float32] = colours @ _MIXED / 64.0
        return maps[..., : CHANNELS[0]], maps[..., CHANNELS[0] :]

    def identity(self) -> dict[str, object]:
        return {"patches": "known"}


def known_patches() -> PatchNetwork:
    return cast("PatchNetwork", KnownPatches())
