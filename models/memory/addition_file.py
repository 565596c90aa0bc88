"""What one correction adds, on disk: safetensors with its facts. Whatever is read is checked, and bounded."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from models.banks.bank_file import put_in_place
from models.banks.rare_vectors import MOST_VECTORS, StreamVectors
from patchwatch.contract.errors import NotFoundError, StorageError, StretchError

FORMAT = 1
_MOST_BYTES = 32 * 2**20
_MOST_STREAMS = 32
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would hold up whoever opens it
_NOT_ONE = (SafetensorError, AttributeError, KeyError, IndexError, OverflowError, TypeError, ValueError, RecursionError)


class AdditionFacts(BaseModel):
    """``fingerprint``: of the networks and options that made the vectors (`models.memory.stretches.stretch_identity`),
    whatever counted in the picture. ``read_ms``: when they were read from the memory, Unix time."""

    model_config = ConfigDict(strict=True)

    format: int = Field(ge=FORMAT, le=FORMAT)
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    read_ms: Annotated[int, Field(ge=0, le=2**53)]
    streams: Annotated[int, Field(ge=1, le=_MOST_STREAMS)]


def save_addition(path: Path, streams: Sequence[StreamVectors], fingerprint: str, read_ms: int) -> None:
    """Write it durably, in place of what was there. Raises `StorageError`."""
    facts = AdditionFacts(format=FORMAT, fingerprint=fingerprint, read_ms=read_ms, streams=len(streams))
    tensors: dict[str, NDArray[Any]] = {}
    for number, stream in enumerate(streams):
        tensors |= {f"{number}.vectors": stream.vectors, f"{number}.groups": stream.groups}
    data, part = save(tensors, metadata={"patchwatch": facts.model_dump_json()}), path.with_suffix(".part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        put_in_place(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(
            f"a correction cannot be kept in {path} ({error}): make room, or the folder writable"
        ) from None


def load_addition(path: Path) -> tuple[tuple[StreamVectors, ...], AdditionFacts]:
    """Raises `NotFoundError`, `StorageError`, and `StretchError` for a file that is none or damaged."""
    try:
        with os.fdopen(os.open(path, _READING), "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise NotFoundError(f"there is no {path}") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error})") from None
    try:
        return _parsed(data)
    except (*_NOT_ONE, ValidationError) as error:
        raise StretchError(f"{path} is damaged ({error}): remove it, and it is made from the memory again") from None


def _parsed(data: bytes) -> tuple[tuple[StreamVectors, ...], AdditionFacts]:
    length = int.from_bytes(data[:8], "little")
    if len(data) > _MOST_BYTES or not 0 < length <= 2**16:
        raise ValueError("it is too large, or has no head")
    facts = AdditionFacts.model_validate_json(json.loads(data[8 : 8 + length])["__metadata__"]["patchwatch"])
    tensors = load(data)
    return tuple(_stream(tensors, number) for number in range(facts.streams)), facts


def _stream(tensors: dict[str, NDArray[Any]], number: int) -> StreamVectors:
    vectors, groups = tensors[f"{number}.vectors"], tensors[f"{number}.groups"]
    if len(vectors) > MOST_VECTORS or groups.dtype != np.int32:
        raise ValueError(f"stream {number} has {len(vectors)} vectors in groups of type {groups.dtype}")
    return StreamVectors(vectors, groups)
