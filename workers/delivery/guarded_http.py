"""HTTP to receivers, in the words of deliveries."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable
from typing import TypeVar

from patchwatch.contract.address_policy import allowed_addresses
from patchwatch.contract.errors import RetryableError
from patchwatch.http_client import guarded_http
from patchwatch.http_client.guarded_http import Fault, UnansweredError
from workers.delivery.delivery_result import DeliveryResult, ResultKind

T = TypeVar("T")
_KINDS = {
    Fault.AWAY: ResultKind.AWAY,
    Fault.TOO_LONG: ResultKind.FAILED,
    Fault.BAD_ADDRESS: ResultKind.REJECTED,
}


class NoAnswerError(RetryableError):
    """There is no answer, or none that can be read. ``result``: what that means for a delivery."""

    def __init__(self, result: DeliveryResult) -> None:
        super().__init__(result.reason)
        self.result = result


class GuardedHttp(guarded_http.GuardedHttp):
    """To addresses within ``reach``, a value of `Settings.webhook_reach`."""

    def __init__(self, reach: str, timeout_s: float, tls: ssl.SSLContext) -> None:
        super().__init__(lambda _, addresses: allowed_addresses(addresses, reach), timeout_s, tls)

    async def guarded(self, request: Awaitable[T]) -> T:
        """What comes of a request over `pool`, within the time. Raises `NoAnswerError` with a reason that holds no
        address."""
        try:
            return await super().guarded(request)
        except UnansweredError as error:
            raise NoAnswerError(DeliveryResult(_KINDS[error.fault], str(error))) from None
