"""What goes into a network and comes out: pictures on the device, those of one size together, and the output tensor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Group:
    """Pictures of one size. ``numbers``: their places in the batch; ``stack``: uint8 (n, 3, h, w) on the device."""

    numbers: list[int]
    stack: torch.Tensor

    @property
    def height(self) -> int:
        return int(self.stack.shape[2])

    @property
    def width(self) -> int:
        return int(self.stack.shape[3])

    def parts(self, size: int) -> Iterator[Group]:
        """At most ``size`` pictures at a time."""
        for at in range(0, len(self.numbers), size):
            yield Group(self.numbers[at : at + size], self.stack[at : at + size])


@dataclass(frozen=True)
class DeviceBatch:
    """Pictures on a device, grouped by their size. ``count``: of all groups."""

    count: int
    groups: list[Group]

    @classmethod
    def upload(cls, pictures: Sequence[NDArray[np.uint8]], device: torch.device = _CPU) -> DeviceBatch:
        """uint8 RGB (h, w, 3) of any sizes. One transfer for each size, from pinned memory, not waited for."""
        numbers: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for number, rgb in enumerate(pictures):
            numbers[rgb.shape].append(number)
        groups = [Group(group, _stack([pictures[n] for n in group], device)) for group in numbers.values()]
        return cls(len(pictures), groups)


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the CPU on the device. A GPU copies it from pinned memory in the background."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def _stack(pictures: Sequence[NDArray[np.uint8]], device: torch.device) -> torch.Tensor:
    return sent(torch.from_numpy(np.stack(pictures)), device).permute(0, 3, 1, 2)


def first_output(outputs: Any) -> torch.Tensor:
    """The first of several outputs: detection networks also return their feature maps, which nothing here uses."""
    output: torch.Tensor = outputs[0] if isinstance(outputs, tuple | list) else outputs
    return output
