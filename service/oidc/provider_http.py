"""Requests to the provider: each on a connection of its own, judged, bounded in time, size and number."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from patchwatch.contract.address_policy import Reach, reach_of
from patchwatch.contract.errors import DestinationForbiddenError, OverloadedError
from patchwatch.contract.setting_parts.oidc_values import may_be_asked
from patchwatch.http_client.guarded_http import GuardedHttp, HttpAnswer, UnansweredError
from service.oidc.errors import ProviderError

TIMEOUT_S = 10.0
_MOST_BYTES = 512 * 1024
_AT_ONCE, _MOST_WAITING = 4, 32


class ProviderHttp:
    """The issuer is the installer's word, so it may be anywhere: also on this machine and in a private network. What
    its documents name may be no nearer to us than the issuer itself."""

    def __init__(self, issuer: str) -> None:
        self._host = urlsplit(issuer).hostname or ""
        self._widest = Reach.PUBLIC  # as near as the issuer was found to be
        self._tls = ssl.create_default_context()
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def get(self, url: str, token: str = "") -> dict[str, Any]:
        """A JSON object. ``token``: to show for it. Raises `ProviderError`, `OverloadedError`."""
        headers = {"accept": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        answer = await self.exchange("GET", url, headers)
        if answer.status != 200:
            raise ProviderError(f"{_place(url)} answers with HTTP {answer.status}: {_STATUS_ADVICE}")
        return json_object(answer, url)

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> HttpAnswer:
        """One request. Raises `ProviderError`, `OverloadedError`."""
        if not may_be_asked(url):
            raise ProviderError(
                f"the provider names {_place(url)}, which is neither https nor on this machine or a private IP "
                "address: have it name https addresses"
            )
        if self._waiting >= _MOST_WAITING:
            raise OverloadedError("too many log in at the same time: try again in a moment")
        self._waiting += 1
        try:
            async with self._free:
                return await self._ask(method, url, headers, content)
        finally:
            self._waiting -= 1

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> HttpAnswer:
        http = GuardedHttp(self._judge, TIMEOUT_S, self._tls)
        try:
            return await http.exchange(method, url, headers, content, most_bytes=_MOST_BYTES)
        except UnansweredError as error:
            raise ProviderError(
                f"the provider cannot be asked at {_place(url)} ({error}): see whether it runs and this machine "
                "reaches it, then log in again"
            ) from None
        finally:
            await http.close()

    def _judge(self, host: str, addresses: list[str]) -> list[str]:
        """Raises `DestinationForbiddenError`."""
        reaches = {address: reach for address in addresses if (reach := reach_of(address)) is not None}
        if host == self._host and reaches:
            self._widest = max(reaches.values())
        allowed = [address for address, reach in reaches.items() if reach <= self._widest]
        if allowed:
            return allowed
        raise DestinationForbiddenError(
            "link-local, metadata, multicast and reserved addresses are never asked"
            if not reaches
            else "it is nearer to this machine than the issuer itself, which nobody outside may lead us to"
        )


def json_object(answer: HttpAnswer, url: str) -> dict[str, Any]:
    """What an answer holds. Raises `ProviderError`."""
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProviderError(f"{_place(url)} answers with no JSON object: {_STATUS_ADVICE}")
    return value


_STATUS_ADVICE = "see whether PATCHWATCH_OIDC_ISSUER is exactly the provider's issuer, then log in again"


def _place(url: str) -> str:
    """An address without user, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:200]
