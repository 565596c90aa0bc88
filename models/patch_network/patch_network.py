"""Patches of a frame as vectors: maps of EfficientNet-lite0's middle blocks, each place of a map one patch.

The network comes with the installation and runs everywhere, by OpenVINO on a CPU and by torch on a GPU. It computes in
float32 on every machine, so that a bank learnt on one fits on another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Frame
from models.patch_network.efficientnet import BLOCK_STRIDES, SIDE_MULTIPLE, EfficientNet
from models.runtimes.device_setting import check_device, installed, may_be_cuda, usable_cores
from models.weights.embedded import EFFICIENTNET
from patchwatch.contract.errors import ConfigurationError

SIDE_PX = 384  # long side of the network's input
DEFAULT_BLOCKS = (7, 10)  # parts of things, and things: docs/decisions/036-detection.md
_USUAL_SHAPES = ((9, 16), (3, 4), (4, 5))  # of cameras' pictures, height to width: as the detector's

PatchMaps = tuple[NDArray[np.float32], ...]  # per wanted block (rows, columns, channels)


class PatchRuntime(Protocol):
    """The network on a device. ``failed``, ``eager``: see `models.runtimes.cuda_graphs`. Not thread-safe."""

    chunk: int
    name: str

    @property
    def failed(self) -> int: ...

    @property
    def eager(self) -> int: ...

    def __call__(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """RGB (n, h, w, 3), sides multiples of 32 -> per block float32 (n, rows, columns, channels)."""

    def prepare(self, shapes: Sequence[tuple[int, int]], most: int) -> None:
        """Do now what the first batch of up to ``most`` pictures of these heights and widths would wait for."""


class PatchNetwork:
    """Frames in, maps of patches out. Not thread-safe."""

    def __init__(self, runtime: PatchRuntime, network: EfficientNet, blocks: Sequence[int]) -> None:
        self._runtime = runtime
        self._blocks = tuple(blocks)
        self._spreads = [network.blocks[block].spread for block in blocks]
        self._tensors_sha256 = network.tensors_sha256

    @classmethod
    def load(
        cls, device: str = "auto", threads: int | None = None, blocks: Sequence[int] = DEFAULT_BLOCKS
    ) -> PatchNetwork:
        """``blocks``: whose outputs are wanted, 0..15; 4 has 40 channels at stride 8, 7 has 80 and 10 has 112 at
        stride 16. ``device``: ``cuda``, or ``auto`` where there is a GPU, run torch, all others OpenVINO.

        Raises `WeightsMissingError`, `ConfigurationError` (an absent device or library, an unknown word).
        """
        if not blocks or not all(0 <= block < len(BLOCK_STRIDES) for block in blocks):
            raise ValueError(f"blocks are from 0 to {len(BLOCK_STRIDES) - 1}, not {list(blocks)}")
        check_device(device)
        network = EfficientNet.from_state(EFFICIENTNET.read(), max(blocks))
        return cls(_runtime(network, blocks, device, threads), network, blocks)

    def patches(self, frames: Sequence[Frame]) -> list[PatchMaps]:
        """Per frame one map per wanted block, in the order in which they were named: float32 (rows, columns,
        channels), each channel in units of its spread. A map covers its whole frame, so row r is the frame's from
        r / rows to (r + 1) / rows of its height.
        """
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, frame in enumerate(frames):
            groups[input_shape(frame.height, frame.width)].append(number)
        found: dict[int, PatchMaps] = {}
        for shape, numbers in groups.items():
            for at in range(0, len(numbers), self._runtime.chunk):
                part = numbers[at : at + self._runtime.chunk]
                raw = self._runtime(np.stack([scaled(frames[number].rgb, shape) for number in part]))
                maps = [
                    np.asarray(of_block / spread, np.float32)
                    for of_block, spread in zip(raw, self._spreads, strict=True)
                ]
                found |= zip(part, zip(*maps, strict=True), strict=True)
        return [found[number] for number in range(len(frames))]

    def prepare(self, most_frames: int) -> None:
        """Make ready for batches of up to so many frames of cameras' usual shapes: others cost more at first."""
        shapes = [input_shape(height * SIDE_PX, width * SIDE_PX) for height, width in _USUAL_SHAPES]
        self._runtime.prepare(shapes, most_frames)

    @property
    def failed_graphs(self) -> int:
        """Batch sizes that run slower because they could not be recorded as CUDA graphs."""
        return self._runtime.failed

    @property
    def eager_pictures(self) -> int:
        """Pictures that ran without a CUDA graph where there should have been one."""
        return self._runtime.eager

    @property
    def device(self) -> str:
        """What runs it, and its precision, for people."""
        return self._runtime.name

    def identity(self) -> dict[str, Any]:
        """What a bank must match, as JSON values; the same on every device."""
        return {
            "patches": "EfficientNet-lite0",
            "patches_blocks": list(self._blocks),
            "patches_side_px": SIDE_PX,
            "patches_tensors_sha256": self._tensors_sha256,
        }


def input_shape(height: int, width: int) -> tuple[int, int]:
    """Height and width of the network's input for a frame: the long side 384, both multiples of 32."""
    factor = SIDE_PX / max(height, width) / SIDE_MULTIPLE
    return tuple(max(round(side * factor), 1) * SIDE_MULTIPLE for side in (height, width))  # type: ignore[return-value]


def scaled(rgb: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture at this height and width."""
    if rgb.shape[:2] == shape:
        return rgb
    shrinks = max(rgb.shape[:2]) > SIDE_PX
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, shape[::-1], interpolation=method), np.uint8)


def _runtime(network: EfficientNet, blocks: Sequence[int], device: str, threads: int | None) -> PatchRuntime:
    if may_be_cuda(device) and (on_cuda := _cuda_runtime(network, blocks, device, threads)):
        return on_cuda
    from models.patch_network.openvino_patches import OpenVinoPatches

    return OpenVinoPatches(network, blocks, threads or usable_cores())


def _cuda_runtime(
    network: EfficientNet, blocks: Sequence[int], device: str, threads: int | None
) -> PatchRuntime | None:
    """None where ``auto`` finds no GPU after all."""
    if not installed("torch"):
        raise ConfigurationError(
            "PATCHWATCH_DEVICE=cuda, but torch is not installed: run `pip install '.[clip]'` in the checkout, or set "
            "PATCHWATCH_DEVICE=cpu"
        )
    import torch

    from models.patch_network.torch_patches import TorchPatches
    from models.runtimes.device import choose_compute

    if device == "auto" and not torch.cuda.is_available():
        return None
    return TorchPatches(network, blocks, replace(choose_compute(device, threads=threads), dtype=torch.float32))
