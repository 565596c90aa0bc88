"""Reads what another program says about itself: a file of YAML or JSON, or the answer to an HTTP request."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.contract.redaction import redact

_MOST_BYTES = 4_000_000  # a configuration of a thousand cameras takes one
_TIMEOUT_S = 10.0
_MOST_S = 30.0  # for the whole answer, however slowly it comes


def read_document(place: str, api_path: str) -> dict[str, Any]:
    """The mapping in the file ``place``, or what ``api_path`` answers at the address ``place``.

    Raises `RejectedError` where it is no such document, `RetryableError` where nobody answers.
    """
    web = urlsplit(place).scheme in ("http", "https")
    text = _fetched(place.rstrip("/") + api_path) if web else _file(Path(place))
    try:
        document = yaml.safe_load(text)  # JSON is YAML too
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        raise RejectedError(f"{redact(place)} is neither YAML nor JSON{line}: correct it, or name another") from None
    if not isinstance(document, dict):
        raise RejectedError(f"{redact(place)} holds no settings: name Frigate's configuration, or its address")
    return document


def _file(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise RejectedError(f"{path} is no file: name one, or an address like http://frigate:5000")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise RejectedError(f"{path} cannot be read ({error.strerror}): name another file") from None
    return _bounded(content, str(path))


def _fetched(address: str) -> bytes:
    import time

    import httpx

    shown = redact(address)
    content, deadline = b"", time.monotonic() + _MOST_S
    try:
        # No proxy of the environment: these programs run beside us.
        with (
            httpx.Client(trust_env=False, verify=httpx.create_ssl_context(), timeout=_TIMEOUT_S) as client,
            client.stream("GET", address) as answer,
        ):
            if not answer.is_success:
                raise RejectedError(f"{shown} answers HTTP {answer.status_code}: {_advice(answer.status_code)}")
            for part in answer.iter_bytes():
                content = _bounded(content + part, shown)
                if time.monotonic() > deadline:
                    raise RetryableError(f"{shown} has not finished its answer in {_MOST_S:g} s: try again later")
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise RejectedError(f"{shown} is not an address: write it like http://frigate:5000") from None
    except httpx.HTTPError as error:
        raise RetryableError(f"{shown} does not answer ({redact(str(error))}): check the address and port") from None
    return content


def _advice(status: int) -> str:
    if status in (401, 403):
        return "it wants a login; name Frigate's unauthenticated port 5000 from a machine that reaches it, or its file"
    return "check the address and the port"


def _bounded(content: bytes, place: str) -> bytes:
    if len(content) > _MOST_BYTES:
        raise RejectedError(f"{place} holds more than {_MOST_BYTES // 1_000_000} MB: that is no configuration")
    return content
