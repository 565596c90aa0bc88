"""Tensors in PyTorch's pickles, read as data: what comes out says where a tensor lies, and nothing is called."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

STORAGES = frozenset(
    f"{kind}Storage" for kind in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
)


_MOST_AXES = 8


class Storage(NamedTuple):
    """A run of values in the file. ``kind``: one of `STORAGES`."""

    kind: str
    key: str


class PickledTensor(NamedTuple):
    """A view of a storage; offset and strides in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def check(self, stored: int) -> None:
        """Raises `pickle.UnpicklingError` where the view leaves its storage of so many elements, or is larger."""
        numbers = (self.offset, *self.shape, *self.strides)
        axes = len(self.shape)
        if axes != len(self.strides) or axes > _MOST_AXES or not all(type(n) is int and n >= 0 for n in numbers):
            raise pickle.UnpicklingError("a tensor's shape is malformed")
        count, last = 1, self.offset
        for side, stride in zip(self.shape, self.strides, strict=True):
            count *= side
            last += (side - 1) * stride
        if count and (last >= stored or count > stored):
            raise pickle.UnpicklingError(f"a tensor of shape {self.shape} lies outside its {stored} stored values")


class TensorUnpickler(pickle._Unpickler):
    """Knows no name but those below, so there is nothing else that it could call. Tensors become `PickledTensor`.

    Python's own unpickler, not the one in C, whose memo becomes as long as the largest index that a file names.
    """

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in STORAGES:
            return name
        if (known := _KNOWN.get((module, name))) is None:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no tensor")
        return known

    def persistent_load(self, pid: Any) -> Storage:
        _, kind, key, *_ = pid
        if kind not in STORAGES or not isinstance(key, str):
            raise pickle.UnpicklingError("it refers to something that is no tensor")
        return Storage(kind, key)


def _tensor(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> Any:
    if not isinstance(storage, Storage):
        raise pickle.UnpicklingError("a tensor has no storage")
    return PickledTensor(storage, offset, tuple(shape), tuple(strides))


def _same(value: object, *_: object) -> object:
    return value


_KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _same,
    ("torch.jit._pickle", "restore_type_tag"): _same,
    **{("torch.jit._pickle", f"build_{kind}list"): _same for kind in ("int", "double", "bool", "tensor")},
}
