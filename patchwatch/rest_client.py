"""The client of the service's REST API, for commands and the demo."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from patchwatch.contract.access_policy import check_token
from patchwatch.contract.bounds import LONGEST_ANSWER_S
from patchwatch.contract.errors import ConfigurationError, RejectedError, RetryableError, StorageError

if TYPE_CHECKING:
    import httpx

    from patchwatch.contract.settings import Settings

_TIMEOUT_S = 10.0  # of a connection, and of an answer to a question
_ORDER_TIMEOUT_S = LONGEST_ANSWER_S + 5.0
_API = "/api/v1"


class RestClient:
    """Exchanges JSON with the service at ``address`` (``http://HOST:PORT``), through no proxy of the environment.

    Every method raises `RetryableError` when the service does not answer or cannot serve the request now,
    `RejectedError` with the service's own words when it refuses, and `ConfigurationError` when the token is wrong.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        self._address = address.rstrip("/")
        self._token = token

    @classmethod
    def from_settings(cls, settings: Settings, address: str | None = None) -> Self:
        """A client with the token of these settings, of the service at ``address`` or the one the settings describe."""
        check_token(settings)
        token = None if settings.api_token is None else settings.api_token.get_secret_value()
        return cls(address or local_address(settings), token)

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.request("POST", path, body)

    def put(self, path: str, body: dict[str, Any]) -> Any:
        return self.request("PUT", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self.request("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self.request("DELETE", path)

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON answer to ``method /api/v1{path}``; None where the answer has no body."""
        return self._send(method, _API + path, body)

    def download(self, path: str, into: Path) -> None:
        """Write the answer to ``GET /api/v1{path}`` into a file: whole, or not at all. Raises `StorageError` where the
        file cannot be written."""
        import httpx

        part = into.with_name(f".{into.name}.part")
        try:
            with self._client(httpx.Timeout(_TIMEOUT_S, read=_ORDER_TIMEOUT_S)) as client:
                self._receive(client, self._address + _API + path, part)
            part.replace(into)
        except httpx.HTTPError as error:
            raise RetryableError(
                f"{self._address} does not answer, or stopped while it sent ({error}): try again, or give --api"
            ) from None
        except OSError as error:
            raise StorageError(f"{into} cannot be written ({error.strerror or error}): name another file") from None
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _receive(self, client: httpx.Client, address: str, part: Path) -> None:
        with client.stream("GET", address, headers=self._headers()) as answer:
            if not answer.is_success:
                answer.read()
                self._content(answer)
            with part.open("wb") as file:
                for chunk in answer.iter_bytes():
                    file.write(chunk)

    def readiness(self) -> Any:
        """The answer of ``/readyz``. Raises `RetryableError` while the service is not ready."""
        return self._send("GET", "/readyz")

    def websocket(self, path: str) -> tuple[str, dict[str, str]]:
        """The address of a WebSocket under ``/api/v1``, and the headers it wants."""
        return "ws" + self._address.removeprefix("http") + _API + path, self._headers()

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        import httpx  # importing it takes a third of a second, which ``--help`` should not wait for

        try:
            timeout = httpx.Timeout(_TIMEOUT_S, read=_TIMEOUT_S if method == "GET" else _ORDER_TIMEOUT_S)
            with self._client(timeout) as client:
                answer = client.request(method, self._address + path, json=body, headers=self._headers())
        except httpx.InvalidURL:
            raise RejectedError(f"{self._address} is not an address: give --api http://HOST:PORT") from None
        except httpx.ReadTimeout:
            raise RetryableError(
                f"the service at {self._address} took the request, and has not answered for {timeout.read:g} s: "
                "look at its log, and at the load of its machine"
            ) from None
        except httpx.HTTPError as error:
            raise RetryableError(
                f"no Patchwatch service answers at {self._address} ({error}): start it with `patchwatch serve`, "
                "or give --api"
            ) from None
        return self._content(answer)

    def _headers(self) -> dict[str, str]:
        return {} if self._token is None else {"Authorization": f"Bearer {self._token}"}

    def _client(self, timeout: httpx.Timeout) -> httpx.Client:
        import httpx

        # A proxy taken from the environment would see the token and the cameras' passwords.
        return httpx.Client(trust_env=False, verify=httpx.create_ssl_context(), timeout=timeout)

    def _content(self, answer: httpx.Response) -> Any:
        if answer.is_success:
            return self._json(answer) if answer.content else None
        refusal = f"{self._address} refuses"
        if answer.status_code in (401, 403):
            raise ConfigurationError(
                f"{refusal} ({_detail(answer)}): set PATCHWATCH_API_TOKEN to the service's token, or to one that "
                "`patchwatch tokens add NAME --scope admin` makes"
            )
        kind = RetryableError if answer.is_server_error else RejectedError
        raise kind(f"{refusal}: {_detail(answer)}")

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except json.JSONDecodeError:
            raise RejectedError(f"{self._address} is not a Patchwatch service: correct --api") from None


def local_address(settings: Settings) -> str:
    """The address of the service of these settings, as seen from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - compared only
    return f"http://{host}:{settings.port}"


def _detail(answer: httpx.Response) -> str:
    """What the problem document says."""
    try:
        problem = answer.json()
        return str(problem.get("detail") or problem["title"])
    except (json.JSONDecodeError, AttributeError, KeyError):
        return f"HTTP {answer.status_code}"
