"""EfficientNet's feature maps by OpenVINO on a CPU, built from its arrays: torch is not needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.patch_network.efficientnet import MEAN, SCALE, Convolution, EfficientNet
from models.runtimes.openvino_import import silent_openvino

_SHAPES = 8  # compiled networks that are kept: as many shapes of pictures may take turns
_AT_ONCE = 4  # pictures that are computed side by side: each takes memory


class OpenVinoPatches:
    """One compiled network for each height and width. Not thread-safe.

    Pictures pass one by one, several side by side where there are threads: a batch as one tensor leaves the caches and
    costs up to 1.6 times as much per picture. float32 within as well: bf16 would differ by 3-5 %, and a bank has to
    fit on another machine.
    """

    chunk = 16  # pictures brought to size together: bounds memory
    name = "openvino float32"
    failed = eager = 0

    def __init__(self, network: EfficientNet, blocks: Sequence[int], threads: int) -> None:
        self._openvino = silent_openvino()
        self._network = network
        self._blocks = tuple(blocks)
        self._at_once = min(threads, _AT_ONCE)
        self._options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": self._at_once,
        }
        self._compiled: OrderedDict[tuple[int, int], _Compiled] = OrderedDict()

    def __call__(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """RGB (n, h, w, 3), sides multiples of 32 -> per block float32 (n, rows, columns, channels)."""
        requests = self._for_shape(*pictures.shape[1:3]).requests(min(self._at_once, len(pictures)))
        found: list[list[NDArray[np.float32]]] = []
        for at in range(0, len(pictures), len(requests)):
            side_by_side = list(zip(requests, pictures[at : at + len(requests)], strict=False))
            for request, picture in side_by_side:
                request.start_async({0: picture[None]})
            for request, _ in side_by_side:
                request.wait()
                found.append([request.get_output_tensor(n).data[0].copy() for n in range(len(self._blocks))])
        return [np.stack(maps) for maps in zip(*found, strict=True)]

    def prepare(self, shapes: Sequence[tuple[int, int]], most: int) -> None:
        """Compile for these heights and widths."""
        for shape in shapes:
            self._for_shape(*shape)

    def _for_shape(self, height: int, width: int) -> _Compiled:
        if (height, width) not in self._compiled:
            if len(self._compiled) >= _SHAPES:
                self._compiled.popitem(last=False)
            graph = _Graph(self._network, self._blocks, height, width).model
            self._compiled[height, width] = _Compiled(self._openvino.Core().compile_model(graph, "CPU", self._options))
        self._compiled.move_to_end((height, width))
        return self._compiled[height, width]


class _Compiled:
    """A network compiled for one shape, and as many requests as were ever needed at once."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._requests: list[Any] = []

    def requests(self, count: int) -> list[Any]:
        while len(self._requests) < count:
            self._requests.append(self._model.create_infer_request())
        return self._requests[:count]


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
