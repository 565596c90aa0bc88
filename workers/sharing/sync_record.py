"""What a data folder and the store had in common when they last met: the memory of `Mirror`, in one file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.banks.bank_file import put_in_place
from workers.sharing.plan import Known
from workers.sharing.shared_file import rank_of

_NAME = "store.json"
_Version = Annotated[str, Field(max_length=100)]


class SyncRecord(BaseModel):
    """``store``: the id that the store had. ``files``: versions here and there, by name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    store: Annotated[str, Field(max_length=100)] = ""
    files: dict[str, tuple[_Version, _Version]] = {}

    def known(self) -> dict[str, Known]:
        return {name: Known(*pair) for name, pair in self.files.items() if rank_of(name) is not None}


def read_record(data_dir: Path) -> SyncRecord:
    """An empty one where there is none, or none that can be read: then nothing is removed, and all is put together."""
    try:
        return SyncRecord.model_validate_json((data_dir / _NAME).read_bytes())
    except (OSError, ValidationError):
        return SyncRecord()


def write_record(data_dir: Path, store: str, known: Mapping[str, Known]) -> None:
    """Raises OSError."""
    partial = data_dir / f"{_NAME}.{os.getpid()}.part"
    files = {name: [pair.here, pair.there] for name, pair in sorted(known.items())}
    try:
        partial.touch(mode=0o600)
        partial.write_text(json.dumps({"store": store, "files": files}))
        put_in_place(partial, data_dir / _NAME)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
