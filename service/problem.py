"""Errors as problem details (RFC 9457): one table from error class to HTTP status.

A validation problem names the place and the rule, never the value: a value may be a password.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from patchwatch.contract import errors
from patchwatch.contract.plain_text import one_line
from patchwatch.contract.redaction import redact
from patchwatch.messages.base import CAMERA_ID_PATTERN
from service.schemas.stream_id import ENTRY_ID

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_URN = "urn:patchwatch:problem:"
_LONGEST_DETAIL = 2000  # characters
_LONGEST_PATH = 200  # of a stranger's path that come back
_MOST_FIELDS = 20  # of a request that are told to be wrong
_LONGEST_NAME = 200  # of such a place
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)
_PATTERNS = {  # what a pattern asks for, in words
    CAMERA_ID_PATTERN: "use 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit",
    r"^[a-z0-9][a-z0-9_-]{0,30}$": "use 1 to 31 of a-z, 0-9, - and _, beginning with a letter or digit",
    f"^{ENTRY_ID}$": "take it from the answer before",
}
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "2"},  # seconds; the workers look again twice a second
}


class UnauthorizedError(errors.RejectedError):
    """No token, or a wrong one."""

    code = "unauthorized"


class ForbiddenError(errors.RejectedError):
    """The request comes from where none may come from."""

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


STATUS: dict[type[errors.PatchwatchError], HTTPStatus] = {
    UnauthorizedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooLongError: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.InvalidMessageError: HTTPStatus.BAD_GATEWAY,  # what a worker wrote cannot be read
    errors.RejectedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.OverloadedError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.RetryableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.PatchwatchError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class FieldProblem(BaseModel):
    """One field that is wrong."""

    location: str = Field(examples=["body.id"])
    message: str = Field(examples=["use 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit"])


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:patchwatch:problem:not-found",
                "title": "Not Found",
                "status": 404,
                "detail": "there is no camera 'gate': see `patchwatch cameras list` or GET /api/v1/cameras",
                "instance": "/api/v1/cameras/gate",
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem] | None = None


class InvalidFieldsError(errors.RejectedError):
    """Fields of a request that break a rule; ``fields`` says which."""

    def __init__(self, fields: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{field.location}: {field.message}" for field in fields))
        self.fields = fields

    @classmethod
    def from_pydantic(cls, error: ValidationError | RequestValidationError, prefix: str = "") -> InvalidFieldsError:
        """Of the first errors: one wrong value thousands of times needs no thousand words."""
        return cls([_field(one, prefix) for one in error.errors()[:_MOST_FIELDS]])


def status_of(error: errors.PatchwatchError) -> HTTPStatus:
    """By the nearest class that the table holds."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def respond(error: errors.PatchwatchError, path: str) -> JSONResponse:
    """The answer that tells of an error."""
    fields = error.fields if isinstance(error, InvalidFieldsError) else None
    return _answer(status_of(error), error.code, str(error), path[:_LONGEST_PATH], fields)


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(errors.PatchwatchError, _on_patchwatch_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_defect)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries of the problems that a route may answer with."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"description": HTTPStatus(code).phrase, "content": content} for code in statuses}


def _field(error: Any, prefix: str) -> FieldProblem:
    place: Sequence[Any] = ((prefix,) if prefix else ()) + tuple(error["loc"])
    asked = _PATTERNS.get(error.get("ctx", {}).get("pattern", ""))
    message = asked or error["msg"].removeprefix("Value error, ")
    location = ".".join(map(_step, place))[:_LONGEST_NAME]
    return FieldProblem(location=location, message=redact(one_line(message, 500)))


def _step(of_place: object) -> str:
    """An unknown field is named as its sender named it: only what looks like a name comes back."""
    return str(of_place) if isinstance(of_place, int) or _NAME.fullmatch(str(of_place)) else "***"


def _shown_path(path: str) -> str:
    return redact(one_line(path, _LONGEST_PATH))


def _answer(
    status: HTTPStatus, code: str, detail: str, path: str, fields: list[FieldProblem] | None = None
) -> JSONResponse:
    problem = Problem(
        type=_URN + code, title=status.phrase, status=status, detail=redact(one_line(detail, _LONGEST_DETAIL)),
        instance=_shown_path(path), errors=fields,
    )  # fmt: skip
    return JSONResponse(problem.model_dump(exclude_none=True), status, _HEADERS.get(status), MEDIA_TYPE)


async def _on_patchwatch_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.PatchwatchError)
    # Not to be ready is an answer, to those that ask every few seconds from the start.
    if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, NotReadyError):
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return respond(error, request.url.path)


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return respond(InvalidFieldsError.from_pydantic(error), request.url.path)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return respond(TooLargeError(error.detail), request.url.path)
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "-")
    told = error.detail != status.phrase
    detail = error.detail if told else f"{request.method} {_shown_path(request.url.path)}: {status.phrase}"
    answer = _answer(status, code, detail, request.url.path)
    answer.headers.update(error.headers or {})
    return answer


async def _on_defect(request: Request, error: Exception) -> JSONResponse:
    # Starlette logs the traceback itself; the answer tells nothing of the inside.
    return _answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, "error", "a defect of Patchwatch: the service's log says more",
        request.url.path,
    )  # fmt: skip
