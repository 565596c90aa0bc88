"""What stands in a backup beside its parts: what it is of, what it holds, and a hash of each part."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from patchwatch import __version__
from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.contract.errors import RejectedError
from patchwatch.messages.base import Message

NAME = "manifest.json"
MAX_BYTES = 64 * 2**20
NEVER_HELD = (
    "settings (environment and files), certificates, profiles of your own",
    "networks' weights",
    "recordings in the media folders",
    "frames that wait in the queue",
    "logins, set-up codes and orders that wait",
    "evidence that is not in its store yet",
)


class PackedFile(BaseModel):
    """An entry of the archive."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Annotated[str, Field(max_length=1000)]
    bytes: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(Message):
    """``version`` is that of the whole file's format. ``holds``: the kinds of files and parts that were asked for.

    ``rows``: values by kind of key. ``unreadable``: of them those that the version that made it could not read;
    ``unknown_keys``: left out, as it did not know them. ``vanished``: files that were removed while it was made.
    """

    patchwatch: str = Field(pattern=r"^\d{1,9}(\.\d{1,9}){0,3}", max_length=50)
    made_at_ms: TimeMs
    partitions: int = Field(ge=1, le=1024)
    holds: tuple[str, ...] = Field((), max_length=20)
    not_held: tuple[str, ...] = Field((), max_length=50)
    rows: dict[str, Count] = Field(default_factory=dict)
    unreadable: dict[str, Count] = Field(default_factory=dict)
    unknown_keys: Count = 0
    vanished: Count = 0
    files: tuple[PackedFile, ...] = ()

    def check_version(self) -> None:
        """Raises `RejectedError` for a backup of a later Patchwatch: what that stored might be misread here."""
        if _numbers(self.patchwatch) > _numbers(__version__):
            raise RejectedError(
                f"it was made by Patchwatch {self.patchwatch}, and this is {__version__}: install that version or a "
                "later one"
            )


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in found[0].split(".")) if found else ()
