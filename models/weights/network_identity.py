"""Whether two networks are the same: by a hash of their tensors where both have one, else by that of their file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # bank files are read without torch
    import torch

_NETWORKS = ("backbone", "detector")


def comparable(there: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both identities, each without what must not be compared.

    The same tensors come in files of several formats, so their hash is the better one; but banks learnt
    before tensors were hashed know the file only.
    """
    ignored = set()
    for network in _NETWORKS:
        file, tensors = f"{network}_sha256", f"{network}_tensors_sha256"
        ignored.add(file if there.get(tensors) and here.get(tensors) else tensors)
    return _without(there, ignored), _without(here, ignored)


def _without(identity: Mapping[str, Any], ignored: set[str]) -> dict[str, Any]:
    return {name: value for name, value in identity.items() if name not in ignored}


_UNUSED = "num_batches_tracked"  # only training uses it, and not every format holds it


def tensors_sha256(state: Mapping[str, torch.Tensor]) -> str:
    """`arrays_sha256` of tensors on any device."""
    return arrays_sha256({name: tensor.detach().cpu().float().numpy() for name, tensor in state.items()})


def arrays_sha256(state: Mapping[str, NDArray[Any]]) -> str:
    """Hexadecimal SHA-256 over names, shapes and float32 values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        if name.endswith(_UNUSED):
            continue
        digest.update(f"{name}{state[name].shape}\n".encode())
        digest.update(np.ascontiguousarray(state[name], "<f4").tobytes())
    return digest.hexdigest()
