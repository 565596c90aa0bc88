"""EfficientNet's feature maps by OpenVINO on a CPU, built from its arrays: torch is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.patch_network.efficientnet import MEAN, SCALE, Convolution, EfficientNet
from models.runtimes.openvino_import import silent_openvino
from models.runtimes.openvino_requests import OpenVinoRequests, RequestsByShape, Shape


class OpenVinoPatches:
    """One compiled network for each height and width. Not thread-safe.

    Pictures pass one by one (`OpenVinoRequests`): as a batch they cost up to 1.6 times as much each. float32 within as
    well: bf16 would differ by 3-5 %, and a bank has to fit on another machine.
    """

    chunk = 16  # pictures brought to size together: bounds memory
    name = "openvino float32"
    failed = eager = 0

    def __init__(self, network: EfficientNet, blocks: Sequence[int], threads: int) -> None:
        silent_openvino()  # or say now that it is not there
        self._network = network
        self._blocks = tuple(blocks)
        self._threads = threads
        self._requests = RequestsByShape(self._compiled)

    def __call__(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """RGB (n, h, w, 3), sides multiples of 32 -> per block float32 (n, rows, columns, channels)."""
        return self._requests.of(pictures.shape[1:3])([picture[None] for picture in pictures])

    def prepare(self, shapes: Sequence[tuple[int, int]], most: int) -> None:
        """Compile for these heights and widths."""
        for shape in shapes:
            self._requests.of(shape)

    def _compiled(self, shape: Shape) -> OpenVinoRequests:
        return OpenVinoRequests(_Graph(self._network, self._blocks, *shape).model, "f32", self._threads)


class _Graph:
    """The network as OpenVINO's operations."""

    def __init__(self, network: EfficientNet, blocks: Sequence[int], height: int, width: int) -> None:
        openvino = silent_openvino()
        from openvino import opset13 as operations

        self._operations: Any = operations
        pictures = operations.parameter([1, height, width, 3], np.uint8, name="pictures")
        grey = operations.convert(pictures, "f32")
        centred = operations.divide(operations.subtract(grey, np.float32(MEAN)), np.float32(SCALE))
        maps = self._convolved(operations.transpose(centred, np.array([0, 3, 1, 2])), network.stem)
        taken = {}
        for number, block in enumerate(network.blocks):
            found = maps
            for convolution in block.convolutions:
                found = self._convolved(found, convolution)
            maps = operations.add(maps, found) if block.residual else found
            taken[number] = maps
        outputs = [operations.transpose(taken[number], np.array([0, 2, 3, 1])) for number in blocks]
        self.model: Any = openvino.Model(outputs, [pictures], "patches")

    def _convolved(self, maps: Any, by: Convolution) -> Any:
        out, each, *kernel = by.weight.shape
        before, after = ([pixels, pixels] for pixels in by.padding)
        where = ([by.stride] * 2, before, after, [1, 1])
        if by.groups > 1:
            weight = by.weight.reshape(by.groups, out // by.groups, each, *kernel)
            found = self._operations.group_convolution(maps, weight, *where)
        else:
            found = self._operations.convolution(maps, by.weight, *where)
        found = self._operations.add(found, by.bias.reshape(1, -1, 1, 1))
        return self._operations.clamp(found, 0.0, 6.0) if by.clipped else found
