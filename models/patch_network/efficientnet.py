"""EfficientNet-lite0 (Tan and Le, ICML 2019; the variant without squeeze-and-excitation, ReLU6 throughout) as arrays:
whatever runs it takes it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.weights.network_identity import arrays_sha256

STEM_STRIDE = 2
BLOCK_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
SIDE_MULTIPLE = 32  # of a picture's sides: then padding depends on kernel and stride alone
MEAN, SCALE = 127.0, 128.0  # of grey levels, in all channels alike
_EPSILON = 1e-3  # of the batch norms, TensorFlow's
_LEAST_SPREAD = 1e-3  # a channel that says nothing is not blown up


@dataclass(frozen=True)
class Convolution:
    """``weight``: float32 (out, in / groups, k, k), batch norm folded in; ``bias``: float32 (out,). ``clipped``: to
    0..6 (ReLU6)."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: int
    groups: int
    clipped: bool

    @property
    def padding(self) -> tuple[int, int]:
        """Before and after, on both axes: TensorFlow's "SAME", where the stride divides the side."""
        spare = self.weight.shape[-1] - self.stride
        return max(spare, 0) // 2, max(spare, 0) - max(spare, 0) // 2


@dataclass(frozen=True)
class Block:
    """Convolutions in a row. ``residual``: its input is added to its output. ``spread``: float32 (channels,), about
    the standard deviation of each channel of the output over the pictures the network was trained on.
    """

    convolutions: tuple[Convolution, ...]
    residual: bool
    spread: NDArray[np.float32]


@dataclass(frozen=True)
class EfficientNet:
    """The first blocks of the network. ``tensors_sha256``: of all tensors of the file, as they are there."""

    stem: Convolution
    blocks: tuple[Block, ...]
    tensors_sha256: str

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], last_block: int) -> EfficientNet:
        """``state``: names as in the embedded file. Raises `KeyError` where it is that of another network."""
        stem = _folded(state, "_conv_stem", "_bn0", STEM_STRIDE, clipped=True)
        blocks: list[Block] = []
        for number in range(last_block + 1):
            blocks.append(_block(state, number, blocks[-1].spread if blocks else None))
        return cls(stem, tuple(blocks), arrays_sha256(state))


def _block(state: Mapping[str, NDArray[Any]], number: int, spread_in: NDArray[np.float32] | None) -> Block:
    """A batch norm's gain is the standard deviation of what it gives out; terms of a sum count as independent."""
    name, stride = f"_blocks.{number}.", BLOCK_STRIDES[number]
    convolutions = [
        _folded(state, f"{name}_depthwise_conv", f"{name}_bn1", stride, clipped=True),
        _folded(state, f"{name}_project_conv", f"{name}_bn2", 1, clipped=False),
    ]
    if f"{name}_expand_conv.weight" in state:
        convolutions.insert(0, _folded(state, f"{name}_expand_conv", f"{name}_bn0", 1, clipped=True))
    channels_in = convolutions[0].weight.shape[1] * convolutions[0].groups
    residual, spread = stride == 1 and channels_in == len(convolutions[-1].bias), state[f"{name}_bn2.weight"]
    if residual and spread_in is not None:
        spread = np.sqrt(np.square(spread) + np.square(spread_in))
    return Block(tuple(convolutions), residual, np.maximum(np.abs(spread), _LEAST_SPREAD).astype(np.float32))


def _folded(state: Mapping[str, NDArray[Any]], name: str, norm: str, stride: int, *, clipped: bool) -> Convolution:
    """A convolution and the batch norm after it as one convolution."""
    weight, spread = state[f"{name}.weight"], state[f"{norm}.running_var"]
    gain = state[f"{norm}.weight"] / np.sqrt(spread + np.float32(_EPSILON))
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain
    folded = weight * gain[:, None, None, None]
    groups = len(weight) if "_depthwise_" in name else 1
    return Convolution(folded.astype(np.float32), bias.astype(np.float32), stride, groups, clipped)
