"""Bodies of requests: their size is judged before anything in them is."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from patchwatch.messages.base import CAMERA_ID_PATTERN
from patchwatch.messages.source import MAX_SOURCE_LENGTH

_T = TypeVar("_T")
_UNKNOWN_NAMED = 5

Id = Annotated[str, Field(max_length=63)]  # its form is checked where the record is made
ShortText = Annotated[str, Field(max_length=200)]
Address = Annotated[str, Field(max_length=MAX_SOURCE_LENGTH)]
NewId = Annotated[str, Field(max_length=63, pattern=CAMERA_ID_PATTERN)]


class RequestBody(BaseModel):
    """Refuses fields that it does not know; by name while they are few."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _few_unknown_fields(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(data) > len(cls.model_fields) + _UNKNOWN_NAMED:
            raise ValueError(f"has {len(data)} fields: there are {len(cls.model_fields)} that it may have")
        return data


def at_most(count: int) -> BeforeValidator:
    """Of a list: judges its length before its items."""

    def check(value: Any) -> Any:
        if isinstance(value, list) and len(value) > count:
            raise ValueError(f"has {len(value)} items: at most {count} are taken")
        return value

    return BeforeValidator(check)
