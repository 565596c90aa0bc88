"""The tensors of a TorchScript archive, read as data.

`torch.jit.load` runs code of the archive while it loads it (``__setstate__``), and what TorchScript can do includes
writing files. So the program in the archive is left alone: only its attributes are read.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

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
            return dict(_tensors(_Reader(file, archive, program.removesuffix(".pkl")).load()))


class _Module:
    """What stands for a module of any class: attributes alone."""


class _Stored(NamedTuple):
    data: torch.UntypedStorage
    dtype: torch.dtype


class _Reader(pickle.Unpickler):
    """Knows no name but those below, so there is nothing else that it could call."""

    def __init__(self, file: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(file)
        self._archive = archive
        self._folder = folder

    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return _Module
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (known := _KNOWN.get((module, name))) is None:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no tensor")
        return known

    def persistent_load(self, pid: Any) -> _Stored:
        _, dtype, key, *_ = pid
        entry = self._archive.getinfo(f"{self._folder}/{key}")
        if entry.compress_type != zipfile.ZIP_STORED:  # as PyTorch writes it: it is no larger than the file
            raise pickle.UnpicklingError("its tensors are compressed")
        data = bytearray(self._archive.read(entry))
        tensor = torch.frombuffer(data, dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
        return _Stored(tensor.untyped_storage(), dtype)


def _tensor(stored: _Stored, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> torch.Tensor:
    return torch.empty(0, dtype=stored.dtype).set_(stored.data, offset, size, stride)  # checks the bounds


def _parameter(tensor: torch.Tensor, *_: object) -> torch.Tensor:
    return tensor


def _same(value: object, *_: object) -> object:
    return value


_KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch.jit._pickle", "restore_type_tag"): _same,
    **{("torch.jit._pickle", f"build_{kind}list"): _same for kind in ("int", "double", "bool", "tensor")},
}


def _tensors(module: object, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, torch.Tensor]]:
    if depth > _DEEPEST:
        raise pickle.UnpicklingError(f"more than {_DEEPEST} modules within each other")
    for name, value in vars(module).items():
        if isinstance(value, torch.Tensor):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _tensors(value, f"{prefix}{name}.", depth + 1)
