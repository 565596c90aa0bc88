"""A network as CUDA graphs: its hundreds of small launches are recorded once per batch size, then replayed as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # batches are filled up to one of these
_MOST_GRAPHS = 24  # each holds memory of its own; further shapes run as they come
_WARM_UP = 3  # runs before recording: libraries choose their kernels, detection heads their anchors


class Held(Protocol):
    module: nn.Module

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor: ...


@dataclass(frozen=True)
class _Graph:
    replay: Callable[[], None]
    pictures: torch.Tensor
    output: torch.Tensor
    alive: Sequence[Any]  # a graph knows addresses only: what the module replaces later must not be freed


class CudaGraphs:
    """Not thread-safe. The output is a copy: it stays when the next batch comes."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._graphs: dict[tuple[int, ...], _Graph] = {}
        self._pool: Any = None

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        count = len(pictures)
        size = bucket(count)
        shape = (size, *pictures.shape[1:])
        graph = self._graphs.get(shape)
        if graph is None:
            if size == 0 or len(self._graphs) >= _MOST_GRAPHS:
                return self._held(pictures)
            graph = self._graphs[shape] = self._record(pictures.new_zeros(shape))
        graph.pictures[:count].copy_(pictures)
        graph.replay()
        return graph.output[:count].clone()

    def _record(self, pictures: torch.Tensor) -> _Graph:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                self._held(pictures)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            output = self._held(pictures)
        self._pool = self._pool or graph.pool()
        return _Graph(graph.replay, pictures, output, tensors_of(self._held.module))


def bucket(count: int) -> int:
    """The smallest bucket that holds so many; 0 when none does."""
    return next((size for size in BUCKETS if size >= count), 0)


def tensors_of(module: nn.Module) -> list[torch.Tensor]:
    """All that its parts hold, also what is neither parameter nor buffer, as the anchors of a detection head."""
    return [value for part in module.modules() for value in vars(part).values() if torch.is_tensor(value)]
