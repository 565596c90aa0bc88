"""A small client of the service's REST API, with the requests that a user would make with `curl`."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from patchwatch.contract.errors import RejectedError, RetryableError

_TIMEOUT_S = 5.0
_DIRECT = urllib.request.build_opener(
    urllib.request.ProxyHandler({})
)  # The service of the demonstration is never behind a proxy.


class RestClient:
    """Talks JSON with the service at ``base`` (``http://HOST:PORT``)."""

    def __init__(self, base: str) -> None:
        self._base = base

    def get(self, path: str) -> Any:
        """Raises `RetryableError` when the service does not answer, `RejectedError` when it refuses."""
        return self._request("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Raises as `get`."""
        return self._request("POST", path, body)

    def wait_until_ready(
        self, alive: Callable[[], bool], ours: Callable[[dict[str, Any]], bool], limit_s: float = 60.0
    ) -> None:
        """Wait until ``/readyz`` answers and its answer is ``ours``: another service may have taken the port.

        Raises `RetryableError` when it takes too long, or at once when ``alive`` returns False.
        """
        deadline = time.monotonic() + limit_s
        while True:
            try:
                if ours(self.get("/readyz")):
                    return
                why = "another service answers at its address"
            except (RetryableError, RejectedError) as error:
                why = str(error)
            if not alive():
                raise RetryableError("the service ended while starting")
            if time.monotonic() > deadline:
                raise RetryableError(f"the service is not ready after {limit_s:.0f} s: {why}")
            time.sleep(0.1)

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own http:// address
            self._base + path, data, {"content-type": "application/json"}, method=method
        )
        try:
            with _DIRECT.open(request, timeout=_TIMEOUT_S) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                kind = RetryableError if error.code >= 500 else RejectedError
                raise kind(f"{method} {path}: {error.code} {_detail(error.read())}") from None
        except (OSError, ValueError) as error:
            raise RetryableError(f"{method} {path}: no answer ({error})") from None


def _detail(body: bytes) -> str:
    """The text of a problem document."""
    try:
        problem = json.loads(body)
        return str(problem.get("detail") or problem.get("title") or "")
    except (ValueError, AttributeError):
        return ""
