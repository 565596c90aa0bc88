"""A hash of a network's tensors: what a bank depends on, whatever file and format they came in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch

_UNUSED = "num_batches_tracked"  # training alone looks at it, and not every format holds it


def tensors_sha256(state: Mapping[str, torch.Tensor]) -> str:
    """Hexadecimal SHA-256 over names, shapes and float32 values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        if name.endswith(_UNUSED):
            continue
        values = state[name].detach().to("cpu", torch.float32).contiguous()
        digest.update(f"{name}{tuple(values.shape)}\n".encode())
        digest.update(values.numpy().astype("<f4", copy=False).tobytes())
    return digest.hexdigest()
