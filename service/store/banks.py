"""Banks: what the enrolment workers found on disk, and what is asked of them."""

from __future__ import annotations

import time
import uuid
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import BLOCK_MS, translated
from patchwatch.bus.stored_records import required
from patchwatch.contract import errors
from patchwatch.messages.bank_version import ORDER_WITHIN_S, BankAction, BankAnswer, BankOrder, CameraBanks

_WITHIN_S = ORDER_WITHIN_S  # they look twice a second
_DONE_WITHIN_S = 35.0  # once begun: longer than they wait for each other
_LEAST_WAIT_S = 0.05  # 0 would be for ever
_MAX_ORDERS = 100
_ERRORS: dict[str, type[errors.PatchwatchError]] = {
    kind.code: kind
    for kind in (
        errors.BankMismatchError,
        errors.ConflictError,
        errors.NotFoundError,
        errors.RetryableError,
        errors.StorageError,
    )
}


class BankStore:
    """Reads `keys.BANKS`. The banks themselves are files that the enrolment workers alone touch."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._clock = BusClock()

    async def get(self, camera_id: str) -> CameraBanks:
        """Raises `RetryableError` when no enrolment worker has looked yet."""
        with translated():
            data = await self._bus.hget(keys.BANKS, camera_id)
        if data is None:
            raise errors.RetryableError(
                f"no enrolment worker has looked for banks of {camera_id!r} yet: is `patchwatch run enrolment` up?"
            )
        return required(CameraBanks.decode, data, f"banks of camera {camera_id!r}")

    async def order(self, camera_id: str, bank_id: str, action: BankAction) -> CameraBanks:
        """Have it done; the banks as they are then.

        Raises what it ended with (`NotFoundError`, `ConflictError`, ...), `RetryableError` when no worker came to do
        it, which then is not done, `OverloadedError`.
        """
        with translated():
            await self._clock.sync_async(self._bus)
        order = BankOrder(
            token=uuid.uuid4().hex, camera_id=camera_id, bank_id=bank_id, action=action,
            asked_at_ms=self._clock.now_ms(),
        )  # fmt: skip
        answer = await self._answered(order)
        if answer.code:
            raise _ERRORS.get(answer.code, errors.RejectedError)(answer.detail)
        return answer.banks or CameraBanks(camera_id=camera_id)

    async def _answered(self, order: BankOrder) -> BankAnswer:
        """Whoever takes an order out of the list decides: a worker that does it, or we, who withdraw it."""
        with translated():
            if await self._bus.llen(keys.BANK_ORDERS) >= _MAX_ORDERS:
                raise errors.OverloadedError(f"{_MAX_ORDERS} changes of banks wait already: try again in a moment")
            data = order.encode()
            await self._bus.rpush(keys.BANK_ORDERS, data)
            answer = await self._answer(order, _WITHIN_S)
            if answer is None and await self._bus.lrem(keys.BANK_ORDERS, 1, data):
                raise errors.RetryableError(
                    f"it was not done: no enrolment worker came to it within {_WITHIN_S:.0f} s: is `patchwatch run "
                    "enrolment` up?"
                )
            answer = answer or await self._answer(order, _DONE_WITHIN_S)
        if answer is None:
            raise errors.RetryableError(
                "an enrolment worker began it and has not said how it ended: GET "
                f"/api/v1/cameras/{order.camera_id}/banks shows whether it was done"
            )
        return answer

    async def _answer(self, order: BankOrder, within_s: float) -> BankAnswer | None:
        deadline_s = time.monotonic() + within_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            wait_s = max(_LEAST_WAIT_S, min(left_s, BLOCK_MS / 1000))
            found = await self._bus.blpop([keys.bank_answer(order.token)], timeout=wait_s)
            if found is not None:
                return required(BankAnswer.decode, found[1], "the answer of an enrolment worker")
        return None
