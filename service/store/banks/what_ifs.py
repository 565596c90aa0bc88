"""Questions about changes: the enrolment workers answer them, from what is stored of a camera."""

from __future__ import annotations

import uuid

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.contract import errors
from patchwatch.messages.what_if import START_WITHIN_S, Change, WhatIf, WhatIfAnswer, WhatIfOrder
from service.store.banks.orders import OrderLimits, OrderList, OrderWords

_DONE_TIMEOUT_S = 50.0  # longer than a worker reads and judges
_MAX_WAITING = 16
_WORDS = OrderWords(
    f"try again in a moment: {_MAX_WAITING} questions are waiting",
    "there is no answer: no enrolment worker had time for the question: is `patchwatch run enrolment` running?",
    "there is no answer yet, because there is so much to judge: ask for a shorter time",
)
_ERRORS: dict[str, type[errors.PatchwatchError]] = {
    kind.code: kind
    for kind in (
        errors.BankMismatchError,
        errors.ConflictError,
        errors.InsufficientFootageError,
        errors.NotFoundError,
        errors.RetryableError,
        errors.StorageError,
        errors.UnreadableRecordError,
    )
}


class WhatIfStore:
    """Asks; nothing is changed by it."""

    def __init__(self, bus: Redis) -> None:
        self._bus = bus
        self._clock = BusClock()
        self._orders = OrderList(bus, keys.WHAT_IF_ORDERS, keys.what_if_answer, WhatIfAnswer.decode)

    async def ask(self, camera_id: str, change: Change, from_ms: int, to_ms: int) -> WhatIf:
        """What the time between two moments (Unix time) would have been under a change.

        Raises the error that the question ended with (`NotFoundError`, `BankMismatchError`, ...), `OverloadedError`,
        and `RetryableError` when no worker answered in time.
        """
        with translated():
            await self._clock.sync_async(self._bus)
        order = WhatIfOrder(
            token=uuid.uuid4().hex, camera_id=camera_id, change=change, from_ms=from_ms, to_ms=to_ms,
            asked_at_ms=self._clock.now_ms(),
        )  # fmt: skip
        limits = OrderLimits(_MAX_WAITING, START_WITHIN_S, _DONE_TIMEOUT_S)
        answer = await self._orders.answered(order.token, order.encode(), limits, _WORDS)
        if answer.what_if is None:
            raise _ERRORS.get(answer.code, errors.RejectedError)(answer.detail)
        return answer.what_if
