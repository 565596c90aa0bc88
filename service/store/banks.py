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
from patchwatch.messages.bank_version import BankAction, BankAnswer, BankOrder, CameraBanks

_WITHIN_S = 5.0  # they look twice a second
_MAX_ORDERS = 100
_ERRORS: dict[str, type[errors.PatchwatchError]] = {
    kind.code: kind
    for kind in (errors.BankMismatchError, errors.ConflictError, errors.NotFoundError, errors.StorageError)
}


class BankStore:
    """Reads `keys.BANKS`. The banks themselves are files that the enrolment workers alone touch."""

    def __init__(self, bus: Redis) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._clock = BusClock()

    async def of(self, camera_id: str) -> CameraBanks:
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

        Raises what it ended with (`NotFoundError`, `ConflictError`, ...), `RetryableError` when no worker does it,
        `OverloadedError`.
        """
        with translated():
            await self._clock.look_async(self._bus)
        order = BankOrder(
            token=uuid.uuid4().hex, camera_id=camera_id, bank_id=bank_id, action=action,
            asked_at_ms=self._clock.now_ms(),
        )  # fmt: skip
        answer = await self._answered(order)
        if answer.code:
            raise _ERRORS.get(answer.code, errors.RejectedError)(answer.detail)
        return answer.banks or CameraBanks(camera_id=camera_id)

    async def _answered(self, order: BankOrder) -> BankAnswer:
        deadline_s = time.monotonic() + _WITHIN_S
        with translated():
            if await self._bus.llen(keys.BANK_ORDERS) >= _MAX_ORDERS:
                raise errors.OverloadedError(f"{_MAX_ORDERS} changes of banks wait already: try again in a moment")
            data = order.encode()
            await self._bus.rpush(keys.BANK_ORDERS, data)
            while time.monotonic() < deadline_s:
                found = await self._bus.blpop([keys.bank_answer(order.token)], timeout=BLOCK_MS / 1000)
                if found is not None:
                    return required(BankAnswer.decode, found[1], "the answer of an enrolment worker")
            await self._bus.lrem(keys.BANK_ORDERS, 1, data)
        raise errors.RetryableError(
            f"no enrolment worker has done it within {_WITHIN_S:.0f} s: is `patchwatch run enrolment` up?"
        )
