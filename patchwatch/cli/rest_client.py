"""Asking the running service over its REST API, for commands that change what it does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from patchwatch.contract.access_policy import check_token
from patchwatch.contract.errors import ConfigurationError, RejectedError, RetryableError
from patchwatch.contract.settings import Settings

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 10.0


def default_address(settings: Settings) -> str:
    """Where the service of these settings answers, seen from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - compared only
    return f"http://{host}:{settings.port}"


def ask(settings: Settings, address: str | None, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The JSON answer to ``method /api/v1{path}``, None where it has no body.

    Raises `RetryableError` when nobody answers or the service is not able to now, `RejectedError` with the service's
    own words when it refuses, `ConfigurationError` when the token is wrong.
    """
    import httpx  # takes a third of a second, which help need not wait for

    check_token(settings)
    base = (address or default_address(settings)).rstrip("/")
    headers = _authorization(settings)
    try:
        # A proxy of the environment would be told the token and the cameras' passwords.
        with httpx.Client(trust_env=False, verify=httpx.create_ssl_context(), timeout=_TIMEOUT_S) as client:
            answer = client.request(method, f"{base}/api/v1{path}", json=body, headers=headers)
    except httpx.InvalidURL:
        raise RejectedError(f"{base} is no address of a service: give --api http://HOST:PORT") from None
    except httpx.HTTPError as error:
        raise RetryableError(
            f"no Patchwatch service answers at {base} ({error}): start it with `patchwatch serve`, or give --api"
        ) from None
    if answer.is_success:
        return answer.json() if answer.content else None
    if answer.status_code in (401, 403):
        raise ConfigurationError(f"{base} refuses ({_words(answer)}): set PATCHWATCH_API_TOKEN to the service's token")
    kind = RetryableError if answer.is_server_error else RejectedError
    raise kind(f"{base} refuses: {_words(answer)}")


def _authorization(settings: Settings) -> dict[str, str]:
    if settings.api_token is None:
        return {}
    return {"Authorization": f"Bearer {settings.api_token.get_secret_value()}"}


def _words(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return str(problem.get("detail") or problem["title"])
    except (json.JSONDecodeError, AttributeError, KeyError):
        return f"HTTP {answer.status_code}"
