"""A network as CUDA graphs: its hundreds of small launches are recorded once per batch size, then replayed as one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

log = logging.getLogger(__name__)
BUCKETS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # batches are filled up to one of these
_MOST_GRAPHS = 24  # each holds memory of its own; further shapes run as they come
_RECORDING = threading.Lock()  # one at a time in a process
_WARM_UP = 3  # runs before recording: libraries choose their kernels, detection heads their anchors


class Held(Protocol):
    """A module and how its pictures lie in memory."""

    module: nn.Module

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor: ...

    def laid_out(self, pictures: torch.Tensor) -> torch.Tensor: ...


@dataclass(frozen=True)
class _Graph:
    replay: Callable[[], None]
    pictures: torch.Tensor
    output: torch.Tensor
    alive: Sequence[Any]  # a graph knows addresses only: what the module replaces later must not be freed


class CudaGraphs:
    """Not thread-safe. The output is a copy: it stays when the next batch comes.

    A shape that cannot be recorded, which is logged once, and those beyond `_MOST_GRAPHS` run as they come.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self._graphs: dict[tuple[int, ...], _Graph | None] = {}
        self._pool: Any = None

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        count = len(pictures)
        graph = self._graph((bucket(count), *pictures.shape[1:]), pictures.device)
        if graph is None:
            return self._held(pictures)
        graph.pictures[:count].copy_(pictures)
        graph.replay()
        return graph.output[:count].clone()

    def _graph(self, shape: tuple[int, ...], device: torch.device) -> _Graph | None:
        if shape not in self._graphs and shape[0] and len(self._graphs) < _MOST_GRAPHS:
            try:
                self._graphs[shape] = self._record(self._held.laid_out(torch.zeros(shape, device=device)))
            except RuntimeError as error:  # also out of memory
                log.warning("pictures %s run without a CUDA graph: %s", shape, str(error).splitlines()[0])
                self._graphs[shape] = None
        return self._graphs.get(shape)

    def _record(self, pictures: torch.Tensor) -> _Graph:
        with _RECORDING:
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP):
                    self._held(pictures)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            # The engines of other profiles are loaded in another thread, whose allocations must not end the recording.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                output = self._held(pictures)
            self._pool = self._pool or graph.pool()
        return _Graph(graph.replay, pictures, output, tensors_of(self._held.module))


def bucket(count: int) -> int:
    """The smallest bucket that holds so many; 0 when none does."""
    return next((size for size in BUCKETS if size >= count), 0)


def tensors_of(module: nn.Module) -> list[torch.Tensor]:
    """What its parts hold beside parameters and buffers, such as the anchors of a detection head."""
    return [value for part in module.modules() for value in vars(part).values() if torch.is_tensor(value)]
