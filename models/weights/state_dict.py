"""A state dict as `torch.save` wrote it before PyTorch 1.6, read as data and without torch.

Such a file is a row of pickles (a magic number, a version, facts of the machine, the state dict, the keys of its
storages), then each storage: its length as int64, and its values.
"""

from __future__ import annotations

import pickle
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from models.weights.pickled_tensors import PickledTensor, TensorUnpickler

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_DTYPES = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8", "IntStorage": "<i4",
    "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1", "BoolStorage": "?",
}  # fmt: skip


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """Names and arrays, which are the caller's own. Nothing that the file names is called, and no more memory is taken
    than a few times its size.

    Raises `OSError`, and `pickle.UnpicklingError` for a file of another form or one that holds more than tensors.
    """
    with path.open("rb") as file:
        try:
            return _read(file, path.stat().st_size)
        except (pickle.UnpicklingError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 (border: a damaged pickle raises anything)
            raise pickle.UnpicklingError(f"it is damaged ({type(error).__name__}: {error})") from None


def _read(file: BufferedReader, size: int) -> dict[str, NDArray[Any]]:
    magic, version, machine = (_load(file) for _ in range(3))
    if (magic, version) != (_MAGIC, _VERSION) or machine.get("little_endian") is not True:
        raise pickle.UnpicklingError("it is no state dict in PyTorch's old form")
    state, keys = _load(file), _load(file)
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise pickle.UnpicklingError(f"it holds a {type(state).__name__}, not a state dict")
    if not all(isinstance(value, PickledTensor) for value in state.values()):
        raise pickle.UnpicklingError("its state dict holds more than tensors")
    kinds = {tensor.storage.key: tensor.storage.kind for tensor in state.values()}
    storages = {key: _storage(file, kinds[key], size) for key in keys}
    return {name: _array(tensor, storages[tensor.storage.key]) for name, tensor in state.items()}


def _load(file: BufferedReader) -> Any:
    return TensorUnpickler(file).load()


def _storage(file: BufferedReader, kind: str, size: int) -> NDArray[Any]:
    count, dtype = int.from_bytes(file.read(8), "little"), np.dtype(_DTYPES[kind])
    if count * dtype.itemsize > size - file.tell():
        raise pickle.UnpicklingError("it ends within its tensors")
    return np.frombuffer(file.read(count * dtype.itemsize), dtype)


def _array(tensor: PickledTensor, storage: NDArray[Any]) -> NDArray[Any]:
    tensor.check(len(storage))
    strides = [stride * storage.itemsize for stride in tensor.strides]
    view = as_strided(storage[tensor.offset :], tensor.shape, strides)
    return view.astype(storage.dtype.newbyteorder("="))
