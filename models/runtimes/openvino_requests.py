"""A network compiled by OpenVINO for single pictures of one shape, several of them side by side."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.runtimes.openvino_import import silent_openvino

Hint = Literal["f32", "bf16"]
_AT_ONCE = 4  # pictures that are computed side by side: each takes memory
_SHAPES = 8  # compiled networks that are kept: as many shapes of pictures may take turns
Shape = tuple[int, ...]


class OpenVinoRequests:
    """Not thread-safe.

    Pictures pass one by one, each on one thread, as many side by side as there are threads. A batch as one tensor
    leaves the caches; and threads that share a picture wait for one another at each of its layers, so that one which
    another process keeps from its core holds up all (docs/decisions/075-cpu.md).
    """

    def __init__(self, graph: Any, hint: Hint, threads: int) -> None:
        self._at_once = min(threads, _AT_ONCE)
        options = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": self._at_once,
        }
        self._model = silent_openvino().Core().compile_model(graph, "CPU", options)
        self._requests: list[Any] = []

    def __call__(self, pictures: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
        """Pictures, each with the leading axis of the network's input; of each output of the network those of all
        pictures, one after the other along the first axis."""
        while len(self._requests) < min(self._at_once, len(pictures)):
            self._requests.append(self._model.create_infer_request())
        found: list[list[NDArray[np.float32]]] = []
        for number, picture in enumerate(pictures):
            if number >= len(self._requests):
                found.append(self._finished(number - len(self._requests)))
            self._requests[number % len(self._requests)].start_async({0: picture})
        found += [self._finished(number) for number in range(len(found), len(pictures))]
        return [np.concatenate(of_output) for of_output in zip(*found, strict=True)]

    def _finished(self, number: int) -> list[NDArray[np.float32]]:
        request = self._requests[number % len(self._requests)]
        request.wait()
        return [tensor.data.copy() for tensor in request.output_tensors]


class RequestsByShape:
    """What was compiled for each of the shapes seen last; ``compiled`` is asked for another."""

    def __init__(self, compiled: Callable[[Shape], OpenVinoRequests]) -> None:
        self._new = compiled
        self._kept: OrderedDict[Shape, OpenVinoRequests] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, shape: Shape) -> OpenVinoRequests:
        if shape not in self._kept:
            if len(self._kept) >= _SHAPES:
                self._kept.popitem(last=False)
            self._kept[shape] = self._new(shape)
        self._kept.move_to_end(shape)
        return self._kept[shape]
