"""Errors that only the service raises, and the one table from error class to HTTP status."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from patchwatch.contract import errors
from patchwatch.contract.redaction import one_line, redact
from patchwatch.contract.signed_link import LinkRefusedError
from patchwatch.messages.base import CAMERA_ID_PATTERN
from service.schemas.request import ENTRY_ID

_MAX_FIELDS = 20  # wrong fields that one answer lists
_MAX_LOCATION_LENGTH = 200
_MAX_MESSAGE_LENGTH = 500
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)
_PATTERN_MESSAGES = {  # A user reads this in place of the regular expression.
    CAMERA_ID_PATTERN: "use 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit",
    r"^[a-z0-9][a-z0-9_-]{0,30}$": "use 1 to 31 of a-z, 0-9, - and _, beginning with a letter or digit",
    f"^{ENTRY_ID}$": "take it from the answer before",
}


class UnauthorizedError(errors.RejectedError):
    """The token is missing or wrong."""

    code = "unauthorized"


class ForbiddenError(errors.RejectedError):
    """The request comes from a host or web page that may not send it."""

    code = "forbidden"


class TooLargeError(errors.RejectedError):
    """The body of a request is too long."""

    code = "content-too-large"


class TooLongError(errors.RejectedError):
    """The path or the query of a request is too long."""

    code = "uri-too-long"


class NotReadyError(errors.RetryableError):
    """A part that the service relies on is missing."""

    code = "not-ready"


class FieldProblem(BaseModel):
    """One field that is wrong."""

    location: str = Field(examples=["body.id"])
    message: str = Field(examples=["use 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit"])


class InvalidFieldsError(errors.RejectedError):
    """Fields of a request break a rule; ``fields`` says which."""

    def __init__(self, fields: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{field.location}: {field.message}" for field in fields))
        self.fields = fields

    @classmethod
    def from_field(cls, location: str, message: str) -> InvalidFieldsError:
        """One field is wrong."""
        return cls([FieldProblem(location=location, message=message)])

    @classmethod
    def from_pydantic(cls, error: ValidationError | RequestValidationError, prefix: str = "") -> InvalidFieldsError:
        """Lists the first errors only: a long list of wrong values would make a long answer."""
        return cls([_field_problem(detail, prefix) for detail in error.errors()[:_MAX_FIELDS]])


STATUS: dict[type[errors.PatchwatchError], HTTPStatus] = {
    UnauthorizedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    LinkRefusedError: HTTPStatus.FORBIDDEN,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooLongError: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.InvalidMessageError: HTTPStatus.BAD_GATEWAY,  # a worker wrote what cannot be read
    errors.RejectedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.OverloadedError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.RetryableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.PatchwatchError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(error: errors.PatchwatchError) -> HTTPStatus:
    """The status of the nearest class that the table holds."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _field_problem(detail: Any, prefix: str) -> FieldProblem:
    """Names the place and the rule, never the value: a value may be a password."""
    path: Sequence[Any] = ((prefix,) if prefix else ()) + tuple(detail["loc"])
    rule = _PATTERN_MESSAGES.get(detail.get("ctx", {}).get("pattern", ""))
    message = rule or detail["msg"].removeprefix("Value error, ")
    location = ".".join(map(_path_step, path))[:_MAX_LOCATION_LENGTH]
    return FieldProblem(location=location, message=redact(one_line(message, _MAX_MESSAGE_LENGTH)))


def _path_step(step: object) -> str:
    """An unknown field has the name that the sender gave it, so only what looks like a name is shown."""
    return str(step) if isinstance(step, int) or _FIELD_NAME.fullmatch(str(step)) else "***"
