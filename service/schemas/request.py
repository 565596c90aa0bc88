"""What requests bring: bodies with known fields, and fields of limited length. Sizes are checked before contents."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from patchwatch.messages.base import CAMERA_ID_PATTERN
from patchwatch.messages.cameras.source import MAX_SOURCE_LENGTH

_T = TypeVar("_T")
_MAX_UNKNOWN_NAMED = 5

# The id of an entry in a Redis stream, sent back by clients. Not \d, which matches the digits of all scripts; 19 digits
# fit into the 64 bits that Redis accepts.
ENTRY_ID = r"[0-9]{1,19}-[0-9]{1,19}"

EntryId = Annotated[str, Field(pattern=f"^{ENTRY_ID}$")]
Id = Annotated[str, Field(max_length=63)]  # the form is checked where the record is built
NewId = Annotated[str, Field(max_length=63, pattern=CAMERA_ID_PATTERN)]
ShortText = Annotated[str, Field(max_length=200)]
Address = Annotated[str, Field(max_length=MAX_SOURCE_LENGTH)]


class RequestBody(BaseModel):
    """Refuses unknown fields. The answer names them, unless there are many."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _limit_unknown_fields(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(data) > len(cls.model_fields) + _MAX_UNKNOWN_NAMED:
            raise ValueError(f"has {len(data)} fields: at most {len(cls.model_fields)} are known")
        return data


def at_most(count: int) -> BeforeValidator:
    """Limits the length of a list or an object before its items are validated."""

    def check(value: Any) -> Any:
        if isinstance(value, list | dict) and len(value) > count:
            raise ValueError(f"has {len(value)} items: send at most {count}")
        return value

    return BeforeValidator(check)
