"""EfficientNet's feature maps by OpenVINO on a CPU, built from its arrays: torch is not needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.networks.efficientnet import MEAN, SCALE, Convolution, EfficientNet
from models.networks.openvino_import import silent_openvino

_SHAPES = 8  # compiled networks that are kept: as many shapes of pictures may take turns


class OpenVinoPatches:
    """One compiled network for each height and width, for any number of pictures. Not thread-safe.

    float32 within as well: bf16 would differ by 3-5 %, and a bank has to fit on another machine.
    """

    chunk = 4  # pictures per forward: bounds memory, and more leave the cache
    name = "openvino float32"
    failed = eager = 0

    def __init__(self, network: EfficientNet, blocks: Sequence[int], threads: int) -> None:
        self._openvino = silent_openvino()
        self._network = network
        self._blocks = tuple(blocks)
        self._options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",  # all threads on one batch
            "INFERENCE_NUM_THREADS": threads,
        }
        self._requests: OrderedDict[tuple[int, int], Any] = OrderedDict()

    def __call__(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """RGB (n, h, w, 3), sides multiples of 32 -> per block float32 (n, rows, columns, channels)."""
        outputs = self._request(*pictures.shape[1:3]).infer({0: pictures})
        return [outputs[number] for number in range(len(self._blocks))]

    def prepare(self, shapes: Sequence[tuple[int, int]], most: int) -> None:
        """Compile for these heights and widths."""
        for shape in shapes:
            self._request(*shape)

    def _request(self, height: int, width: int) -> Any:
        if (height, width) not in self._requests:
            if len(self._requests) >= _SHAPES:
                self._requests.popitem(last=False)
            self._requests[height, width] = self._compile(height, width).create_infer_request()
        self._requests.move_to_end((height, width))
        return self._requests[height, width]

    def _compile(self, height: int, width: int) -> Any:
        graph = _Graph(self._network, self._blocks, height, width).model
        return self._openvino.Core().compile_model(graph, "CPU", self._options)


class _Graph:
    """The network as OpenVINO's operations."""

    def __init__(self, network: EfficientNet, blocks: Sequence[int], height: int, width: int) -> None:
        openvino = silent_openvino()
        from openvino import opset13 as operations

        self._operations: Any = operations
        pictures = operations.parameter([-1, height, width, 3], np.uint8, name="pictures")
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
