"""A network as CUDA graphs: its hundreds of small launches are recorded once per batch size, then replayed as one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import torch
from torch import nn

log = logging.getLogger(__name__)
BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # a batch is made up of these: 66 pictures run as 64 and 2
_LAUNCH = 4  # what one more graph costs, in pictures: its launch, and the GPU idles when a small one runs
_RECORDING = threading.Lock()  # one at a time in a process
_WARM_UP = 3  # runs before recording: libraries choose their kernels, detection heads their anchors


class RecordedGraph(Protocol):
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
    """Replays what `prepare` recorded. Not thread-safe. The output is a copy: it stays when the next batch comes.

    Nothing is recorded while frames wait: pictures of a shape that was not prepared, or could not be recorded, run
    eagerly. ``failed``: recordings that failed. ``eager``: pictures that ran eagerly.
    """

    def __init__(self, held: RecordedGraph) -> None:
        self._held = held
        self._graphs: dict[tuple[int, ...], dict[int, _Graph]] = {}
        self._pool: Any = None
        self.failed = 0
        self.eager = 0

    @torch.inference_mode()
    def prepare(self, shape: tuple[int, int, int], most: int) -> None:
        """Record every bucket for batches of up to ``most`` pictures (c, h, w).

        The largest comes first: the others then fit into the memory that it leaves, which all share.
        """
        graphs = self._graphs.setdefault(shape, {})
        needed = next((size for size in BUCKETS if size >= most), BUCKETS[-1])
        for size in reversed(BUCKETS[: BUCKETS.index(needed) + 1]):
            if size not in graphs:
                try:
                    graphs[size] = self._record((size, *shape))
                except RuntimeError as error:  # also out of memory
                    self.failed += 1
                    reason = str(error).splitlines()[0]
                    log.error("%d pictures %s run without a CUDA graph, slower: %s", size, shape, reason)

    @torch.inference_mode()
    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        """The module's output for pictures (n, c, h, w), n from 1."""
        graphs = self._graphs.get(tuple(pictures.shape[1:]))
        if not graphs:
            self.eager += len(pictures)
            return self._held(pictures)
        outputs, at = [], 0
        for size in plan(len(pictures), tuple(sorted(graphs))):
            outputs.append(_replay(graphs[size], pictures[at : at + size]))
            at += size
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)

    def _record(self, shape: tuple[int, ...]) -> _Graph:
        # A capture that fails leaves the thread on its own stream: the outer context puts that back.
        with _RECORDING, torch.cuda.stream(torch.cuda.current_stream()):
            pictures = self._held.laid_out(torch.zeros(shape, device="cuda"))
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP):
                    self._held(pictures)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            # The scoring thread works meanwhile: its allocations must not end the recording.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                output = self._held(pictures)
            self._pool = self._pool or graph.pool()
        return _Graph(graph.replay, pictures, output, tensors_of(self._held.module))


def _replay(graph: _Graph, pictures: torch.Tensor) -> torch.Tensor:
    """The output is copied at once: graphs share memory, so the next replay may write over it."""
    graph.pictures[: len(pictures)].copy_(pictures)
    graph.replay()
    return graph.output[: len(pictures)].clone()


@cache
def plan(count: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The batch sizes, largest first, that together hold ``count`` pictures at the least cost; the last may not fill.

    ``sizes``: those to choose from.
    """
    cheapest: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    for need in range(1, count + 1):
        ways = [(size, cheapest[max(0, need - size)]) for size in sizes]
        cheapest.append(min((cost + size + _LAUNCH, (*chosen, size)) for size, (cost, chosen) in ways))
    return tuple(sorted(cheapest[count][1], reverse=True))


def tensors_of(module: nn.Module) -> list[torch.Tensor]:
    """What its parts hold beside parameters and buffers, such as the anchors of a detection head."""
    return [value for part in module.modules() for value in vars(part).values() if torch.is_tensor(value)]
