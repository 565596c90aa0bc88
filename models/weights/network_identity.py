"""Whether two networks are the same: by their tensors where both sides tell them, else by the file they came in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NETWORKS = ("backbone", "detector")


def comparable(there: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both identities, each without what must not be compared.

    The same tensors come in files of several formats, so a file's hash says less than theirs; but banks learnt
    before tensors were hashed know the file only.
    """
    ignored = set()
    for network in _NETWORKS:
        file, tensors = f"{network}_sha256", f"{network}_tensors_sha256"
        ignored.add(file if there.get(tensors) and here.get(tensors) else tensors)
    return _without(there, ignored), _without(here, ignored)


def _without(identity: Mapping[str, Any], ignored: set[str]) -> dict[str, Any]:
    return {name: value for name, value in identity.items() if name not in ignored}
