"""Every error of the app as a problem detail (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from patchwatch.contract import errors
from patchwatch.contract.redaction import one_line, redact
from service.problems.errors import FieldProblem, InvalidFieldsError, NotReadyError, TooLargeError, status_of

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:patchwatch:problem:"
_MAX_DETAIL_LENGTH = 2000
_MAX_PATH_LENGTH = 200  # how much of a client's path an answer repeats
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "2"},  # seconds; workers check twice a second
}


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


def install_handlers(app: FastAPI) -> None:
    """Answer every error of the app with a problem."""
    app.add_exception_handler(errors.PatchwatchError, _on_patchwatch_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_defect)


def problem_response(error: errors.PatchwatchError, path: str) -> JSONResponse:
    """The answer to a request that ended in ``error``."""
    fields = error.fields if isinstance(error, InvalidFieldsError) else None
    return _response(status_of(error), error.code, str(error), path[:_MAX_PATH_LENGTH], fields)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries of the problems that a route may answer with."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"description": HTTPStatus(code).phrase, "content": content} for code in statuses}


def _response(
    status: HTTPStatus, code: str, detail: str, path: str, fields: list[FieldProblem] | None = None
) -> JSONResponse:
    problem = Problem(
        type=_TYPE_PREFIX + code, title=status.phrase, status=status,
        detail=redact(one_line(detail, _MAX_DETAIL_LENGTH)), instance=_shown_path(path), errors=fields,
    )  # fmt: skip
    return JSONResponse(problem.model_dump(exclude_none=True), status, _HEADERS.get(status), MEDIA_TYPE)


def _shown_path(path: str) -> str:
    return redact(one_line(path, _MAX_PATH_LENGTH))


async def _on_patchwatch_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.PatchwatchError)
    # Not being ready is no failure: monitors ask every few seconds while the installation starts.
    if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, NotReadyError):
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return problem_response(error, request.url.path)


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(InvalidFieldsError.from_pydantic(error), request.url.path)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return problem_response(TooLargeError(error.detail), request.url.path)
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "-")
    has_detail = error.detail != status.phrase
    detail = error.detail if has_detail else f"{request.method} {_shown_path(request.url.path)}: {status.phrase}"
    response = _response(status, code, detail, request.url.path)
    response.headers.update(error.headers or {})
    return response


async def _on_defect(request: Request, error: Exception) -> JSONResponse:
    # Starlette logs the traceback. The answer reveals nothing of it.
    return _response(
        HTTPStatus.INTERNAL_SERVER_ERROR, "error", "a defect of Patchwatch: the service's log says more",
        request.url.path,
    )  # fmt: skip
