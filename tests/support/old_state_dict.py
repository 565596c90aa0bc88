"""State dicts as PyTorch wrote them before 1.6, made without PyTorch, so that they may say anything."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001


def tensor(
    key: str, shape: Sequence[object], strides: Sequence[object], offset: object = 0, kind: str = "Float"
) -> str:
    """Opcodes of a tensor in the storage ``key``."""
    storage = f"(Vstorage\nctorch\n{kind}Storage\nV{key}\nVcpu\nI0\nNtQ"
    return f"ctorch._utils\n_rebuild_tensor_v2\n({storage}I{offset}\n{_tuple(shape)}{_tuple(strides)}I00\nNtR"


def call(module: str, name: str, argument: str) -> str:
    """Opcodes that call a function with a word."""
    return f"c{module}\n{name}\n(V{argument}\ntR"


def state(entries: Mapping[str, str]) -> bytes:
    """The pickle of a state dict: names, and the opcodes of their values."""
    items = "".join(f"V{name}\n{value}" for name, value in entries.items())
    return f"ccollections\nOrderedDict\n(tR({items}u.".encode()


def file_of(pickled: bytes, storages: Mapping[str, bytes], *, itemsize: int = 4) -> bytes:
    """The whole file. ``storages``: their values as bytes."""
    machine = {"protocol_version": _VERSION, "little_endian": True, "type_sizes": {"int": 4}}
    head = b"".join(pickle.dumps(part, 2) for part in (_MAGIC, _VERSION, machine))
    values = b"".join((len(data) // itemsize).to_bytes(8, "little") + data for data in storages.values())
    return head + pickled + pickle.dumps(list(storages), 2) + values


def _tuple(numbers: Sequence[object]) -> str:
    return "(" + "".join(f"I{number}\n" for number in numbers) + "t"
