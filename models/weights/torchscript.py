"""The tensors of a TorchScript archive, read as data.

`torch.jit.load` runs code of the archive while it loads it (``__setstate__``), and what TorchScript can do includes
writing files. So the program in the archive is left alone: only its attributes are read.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from models.weights.pickled_tensors import PickledTensor, TensorUnpickler

_DTYPES = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip
_DEEPEST = 32  # modules within modules


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive: a zip with a program in it."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, torch.Tensor]:
    """Names and tensors, as `torch.nn.Module.state_dict` has them.

    Raises anything for a file that is no such archive, or holds more than modules, tensors and plain values.
    """
    with zipfile.ZipFile(path) as archive:
        (program,) = (name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1)
        with archive.open(program) as file:
            module = _Reader(file).load()
        storages = _Storages(archive, program.removesuffix(".pkl"))
        return {name: storages.tensor(pickled) for name, pickled in _tensors(module)}


class _Module:
    """What stands for a module of any class: attributes alone."""


class _Reader(TensorUnpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return _Module
        return super().find_class(module, name)


class _Storages:
    """Those of an archive, each read once."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        self._archive = archive
        self._folder = folder
        self._read: dict[str, torch.UntypedStorage] = {}

    def tensor(self, pickled: PickledTensor) -> torch.Tensor:
        kind, key = pickled.storage
        if key not in self._read:
            self._read[key] = self._storage(key)
        data, dtype = self._read[key], _DTYPES[kind]
        pickled.check(data.nbytes() // dtype.itemsize)
        return torch.empty(0, dtype=dtype).set_(data, pickled.offset, pickled.shape, pickled.strides)

    def _storage(self, key: str) -> torch.UntypedStorage:
        entry = self._archive.getinfo(f"{self._folder}/{key}")
        if entry.compress_type != zipfile.ZIP_STORED:  # as PyTorch writes it: it is no larger than the file
            raise pickle.UnpicklingError("its tensors are compressed")
        data = bytearray(self._archive.read(entry))
        tensor = torch.frombuffer(data, dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
        return tensor.untyped_storage()


def _tensors(module: object, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, PickledTensor]]:
    if depth > _DEEPEST:
        raise pickle.UnpicklingError(f"more than {_DEEPEST} modules within each other")
    for name, value in vars(module).items():
        if isinstance(value, PickledTensor):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _tensors(value, f"{prefix}{name}.", depth + 1)
