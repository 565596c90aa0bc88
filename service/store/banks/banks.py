"""Banks: those that the enrolment workers have on disk, and orders to change them."""

from __future__ import annotations

import uuid
from typing import Any

from redis.asyncio import Redis

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import required
from patchwatch.contract import errors
from patchwatch.messages.banks.bank_version import ORDER_WITHIN_S, BankAction, BankAnswer, BankOrder, CameraBanks
from service.store.banks.orders import OrderLimits, OrderList, OrderWords

_START_TIMEOUT_S = ORDER_WITHIN_S  # workers check for orders twice a second
_DONE_TIMEOUT_S = 35.0  # once an order has begun: longer than workers wait for each other
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
    """Reads `keys.BANKS`. The banks themselves are files, which only the enrolment workers access."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._clock = BusClock()
        self._orders = OrderList(bus, keys.BANK_ORDERS, keys.bank_answer, BankAnswer.decode)

    async def get(self, camera_id: str) -> CameraBanks:
        """The banks of a camera. Raises `RetryableError` when no enrolment worker has listed them yet."""
        with translated():
            data = await self._bus.hget(keys.BANKS, camera_id)
        if data is None:
            raise errors.RetryableError(
                f"the banks of {camera_id!r} are not known yet: is `patchwatch run enrolment` running?"
            )
        return required(CameraBanks.decode, data, f"banks of camera {camera_id!r}")

    async def order(self, camera_id: str, bank_id: str, action: BankAction) -> CameraBanks:
        """Order a change from the enrolment workers; returns the banks after the change.

        Raises the error that the change ended with (`NotFoundError`, `ConflictError`, ...), `OverloadedError`, and
        `RetryableError` when no worker took the order in time: then it is never carried out.
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
        limits = OrderLimits(_MAX_ORDERS, _START_TIMEOUT_S, _DONE_TIMEOUT_S)
        words = OrderWords(
            f"try again in a moment: {_MAX_ORDERS} changes of banks are waiting",
            f"nothing was changed: no enrolment worker took the order within {_START_TIMEOUT_S:.0f} s: is "
            "`patchwatch run enrolment` running?",
            "the change may or may not be done: an enrolment worker began it and has not answered; check with GET "
            f"/api/v1/cameras/{order.camera_id}/banks",
        )
        return await self._orders.answered(order.token, order.encode(), limits, words)
