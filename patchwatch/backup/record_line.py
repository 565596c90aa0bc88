"""A key of Redis, or a piece of a large one, as a line of JSON."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from patchwatch.backup.key_kind import KeyKind, Row
from patchwatch.contract.bounds import TimeMs
from patchwatch.contract.errors import RejectedError

MAX_LINE_BYTES = 64 * 2**20
_BASE64 = "base64:"
_ENTRY_ID = r"^\d{1,20}-\d{1,20}$"


class StreamPosition(BaseModel):
    """Of a stream: what its next entry follows, and how many there ever were, which receivers count by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    last_id: str = Field(pattern=_ENTRY_ID)
    added: int = Field(ge=0, le=2**63 - 1)
    max_deleted_id: str = Field(pattern=_ENTRY_ID)


class RecordLine(BaseModel):
    """``kind``: the template of its `KeyKind`. ``rows``: see `patchwatch.backup.key_kind.Row`, each value as text
    where it is text, else in base64. ``position`` stands in the last line of a stream."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, Field(max_length=100)]
    names: dict[str, str] = Field(default_factory=dict, max_length=3)
    expires_at_ms: TimeMs | None = None
    rows: tuple[tuple[str, ...], ...] = ()
    position: StreamPosition | None = None

    @classmethod
    def of(
        cls,
        kind: KeyKind,
        names: dict[str, str],
        rows: list[Row],
        *,
        expires_at_ms: int | None = None,
        position: StreamPosition | None = None,
    ) -> RecordLine:
        texts = tuple(tuple(map(_as_text, row)) for row in rows)
        return cls(kind=kind.template, names=names, expires_at_ms=expires_at_ms, rows=texts, position=position)

    def encode(self) -> bytes:
        """With the end of the line."""
        return self.model_dump_json(exclude_none=True).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> RecordLine:
        """Raises `RejectedError`."""
        try:
            return cls.model_validate_json(line)
        except ValidationError as error:
            raise RejectedError(f"it holds a line that is no record ({error.errors()[0]['msg']})") from None

    def values(self) -> list[Row]:
        """The rows. Raises `RejectedError` for what is no base64."""
        try:
            return [tuple(map(_as_bytes, row)) for row in self.rows]
        except (binascii.Error, ValueError):
            raise RejectedError("it holds a value that is no base64") from None


def _as_text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = _BASE64
    return _BASE64 + base64.b64encode(data).decode() if text.startswith(_BASE64) else text


def _as_bytes(text: str) -> bytes:
    if not text.startswith(_BASE64):
        return text.encode()
    return base64.b64decode(text.removeprefix(_BASE64), validate=True)
