"""Whether two networks are the same: by a hash of their tensors where both have one, else by that of their file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
    """Hexadecimal SHA-256 over names, shapes and float32 values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        if name.endswith(_UNUSED):
            continue
        values = state[name].detach().cpu().float().contiguous()
        digest.update(f"{name}{tuple(values.shape)}\n".encode())
        digest.update(values.numpy().astype("<f4", copy=False).tobytes())
    return digest.hexdigest()
