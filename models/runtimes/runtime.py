"""How a network is run: by torch, as recorded CUDA graphs, or by OpenVINO. One callable for all."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from models.runtimes.device import Compute
from models.runtimes.device_batch import first_output


class Run(Protocol):
    """A network as a function. ``failed``, ``eager``: see `CudaGraphs`; 0 where nothing is recorded.

    Not thread-safe.
    """

    failed: int
    eager: int

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures (n, c, h, w) of any floating type on the device -> the module's output, the first of several."""

    def prepare(self, shape: tuple[int, int, int], most: int) -> None:
        """Do now what the first batch of up to ``most`` pictures (c, h, w) would wait for."""


def runner(module: nn.Module, compute: Compute) -> Run:
    """Make a module that is ready to infer (fused, on the device, in `Compute.held`) into a function of pictures."""
    if compute.runtime == "openvino":
        from models.runtimes.openvino_model import OpenVinoModel

        return OpenVinoModel(module, compute.dtype)
    held = Eager(module, compute)
    if compute.device.type == "cuda":
        from models.runtimes.cuda_graphs import CudaGraphs

        return CudaGraphs(held)
    return held


class Eager:
    """torch, one operation after the other."""

    failed = eager = 0

    def __init__(self, module: nn.Module, compute: Compute) -> None:
        self.module = module
        self._compute = compute

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        return first_output(self.module(self.laid_out(pictures)))

    def prepare(self, shape: tuple[int, int, int], most: int) -> None:
        """Nothing: a first batch costs what the others cost."""

    def laid_out(self, pictures: torch.Tensor) -> torch.Tensor:
        """In the precision and memory layout of the module."""
        return pictures.to(self._compute.held, memory_format=self._compute.memory_format)
