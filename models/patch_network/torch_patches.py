"""EfficientNet's feature maps by torch, for GPUs: the same numbers as OpenVINO's up to rounding."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import pad

from models.patch_network.efficientnet import MEAN, SCALE, Convolution, EfficientNet
from models.runtimes.device import Compute
from models.runtimes.device_batch import sent
from models.runtimes.runtime import runner

_SWITCHED = threading.Lock()  # the switch is the process's: another thread must not turn it back too early


class TorchPatches:
    """On one device, float32. Not thread-safe."""

    chunk = 64  # pictures per forward: bounds memory

    def __init__(self, network: EfficientNet, blocks: Sequence[int], compute: Compute) -> None:
        self._device = compute.device
        self._module = _PatchModule(network, blocks).eval().requires_grad_(False).to(compute.device)
        self._run = runner(self._module, compute)
        self.name = compute.name

    @property
    def failed(self) -> int:
        return self._run.failed

    @property
    def eager(self) -> int:
        return self._run.eager

    @torch.inference_mode()
    def __call__(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """RGB (n, h, w, 3), sides multiples of 32 -> per block float32 (n, rows, columns, channels)."""
        stack = sent(torch.from_numpy(pictures), self._device).permute(0, 3, 1, 2)
        flat: NDArray[np.float32] = self._run((stack.float() - MEAN) / SCALE).cpu().numpy()
        shapes = self._module.shapes(*pictures.shape[1:3])
        ends = np.cumsum([np.prod(shape) for shape in shapes])
        parts = np.split(flat, ends[:-1], axis=1)
        return [part.reshape(len(pictures), *shape) for part, shape in zip(parts, shapes, strict=True)]

    def prepare(self, shapes: Sequence[tuple[int, int]], most: int) -> None:
        """Record for batches of up to ``most`` pictures of these heights and widths."""
        for height, width in shapes:
            self._run.prepare((3, height, width), min(most, self.chunk))


class _PatchModule(nn.Module):
    """Normalised (n, 3, h, w) -> float32 (n, all maps one after the other, each row by row, channels last): a runner
    knows one output."""

    def __init__(self, network: EfficientNet, blocks: Sequence[int]) -> None:
        super().__init__()
        self._wanted = tuple(blocks)
        self._residual = [block.residual for block in network.blocks]
        self._channels = [len(block.convolutions[-1].bias) for block in network.blocks]
        self._stem = _convolution(network.stem)
        bodies = [nn.Sequential(*map(_convolution, block.convolutions)) for block in network.blocks]
        self._bodies = nn.ModuleList(bodies)
        self._strides = np.cumprod([block.convolutions[-2].stride for block in network.blocks]) * network.stem.stride

    def shapes(self, height: int, width: int) -> list[tuple[int, int, int]]:
        """Of each wanted map: rows, columns, channels."""
        return [
            (height // int(self._strides[n]), width // int(self._strides[n]), self._channels[n]) for n in self._wanted
        ]

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        with _full_precision():
            maps = self._stem(pictures)
            taken = {}
            for number, body in enumerate(self._bodies):
                maps = maps + body(maps) if self._residual[number] else body(maps)
                taken[number] = maps
        return torch.cat([taken[number].permute(0, 2, 3, 1).flatten(1) for number in self._wanted], dim=1)


class _Padded(nn.Module):
    """A convolution whose padding may differ before and after."""

    def __init__(self, convolution: nn.Conv2d, before: int, after: int) -> None:
        super().__init__()
        self._convolution = convolution
        self._sides = (before, after, before, after)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self._convolution(pad(maps, self._sides))
        return found


def _convolution(of: Convolution) -> nn.Module:
    out, each, kernel, _ = of.weight.shape
    before, after = of.padding
    even = before if before == after else 0
    layer = nn.Conv2d(each * of.groups, out, kernel, of.stride, even, groups=of.groups)
    layer.weight.data, layer.bias = torch.from_numpy(of.weight), nn.Parameter(torch.from_numpy(of.bias))
    padded = layer if before == after else _Padded(layer, before, after)
    return nn.Sequential(padded, nn.ReLU6()) if of.clipped else padded


@contextmanager
def _full_precision() -> Iterator[None]:
    """No TF32, whatever the process allows other networks: it keeps 10 of 23 bits of a mantissa."""
    with _SWITCHED:
        allowed = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cudnn.allow_tf32 = allowed
