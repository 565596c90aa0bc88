"""EfficientNet-lite0 with random weights, for machines that lack the package of the trained ones."""

from __future__ import annotations

import numpy as np

from models.patch_network.efficientnet import EfficientNet

# Table 1 of Tan and Le, ICML 2019: kernel, channels, expansion, how often.
_STAGES = ((3, 16, 1, 1), (3, 24, 6, 2), (5, 40, 6, 2), (3, 80, 6, 3), (5, 112, 6, 3), (5, 192, 6, 4), (3, 320, 6, 1))


def random_efficientnet(last_block: int, seed: int = 0) -> EfficientNet:
    return EfficientNet.from_state(random_state(seed), last_block)


def random_state(seed: int = 0) -> dict[str, np.ndarray]:
    """Names and shapes are those of the trained network's convolutions and norms."""
    state, random = {}, np.random.default_rng(seed)

    def convolution(name: str, norm: str, out: int, each: int, kernel: int) -> None:
        spread = np.sqrt(2 / (each * kernel * kernel))
        state[f"{name}.weight"] = (random.standard_normal((out, each, kernel, kernel)) * spread).astype(np.float32)
        for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            state[f"{norm}.{part}"] = np.full(out, value, np.float32)

    convolution("_conv_stem", "_bn0", 32, 3, 3)
    channels, number = 32, 0
    for kernel, out, expansion, times in _STAGES:
        for _ in range(times):
            block, wide = f"_blocks.{number}.", channels * expansion
            if expansion > 1:
                convolution(f"{block}_expand_conv", f"{block}_bn0", wide, channels, 1)
            convolution(f"{block}_depthwise_conv", f"{block}_bn1", wide, 1, kernel)
            convolution(f"{block}_project_conv", f"{block}_bn2", out, wide, 1)
            channels, number = out, number + 1
    return state
