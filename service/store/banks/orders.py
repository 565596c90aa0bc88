"""Orders to the workers over a list in Redis: each is answered under its token, or withdrawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from redis.asyncio import Redis

from patchwatch.bus.connection import BLOCK_MS, translated
from patchwatch.bus.stored_records import required
from patchwatch.contract.errors import OverloadedError, RetryableError

_MIN_WAIT_S = 0.05  # Redis would take 0 as no timeout
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class OrderWords:
    """What a client is told. ``overloaded``: too many orders wait. ``not_taken``: nobody began it, and it was
    withdrawn. ``not_answered``: it was begun, and how it ended is not known."""

    overloaded: str
    not_taken: str
    not_answered: str


@dataclass(frozen=True)
class OrderLimits:
    """``waiting``: orders that may wait. ``start_s``, ``done_s``: until one is begun, and from then on answered."""

    waiting: int
    start_s: float
    done_s: float


class OrderList(Generic[_Answer]):
    """``key``: the list. ``answer_key``: by token, a list of one. ``decode``: of an answer."""

    def __init__(
        self, bus: Redis, key: str, answer_key: Callable[[str], str], decode: Callable[[bytes], _Answer]
    ) -> None:
        self._bus: Any = bus  # redis-py types every answer as a union over protocols and decodings
        self._key = key
        self._answer_key = answer_key
        self._decode = decode

    async def answered(self, token: str, order: bytes, limits: OrderLimits, words: OrderWords) -> _Answer:
        """Either a worker takes the order out of the list and carries it out, or we take it out and withdraw it.

        Raises `OverloadedError`, or `RetryableError` when no worker took it, or answered, in time.
        """
        with translated():
            if await self._bus.llen(self._key) >= limits.waiting:
                raise OverloadedError(words.overloaded)
            await self._bus.rpush(self._key, order)
            answer = await self._answer(token, limits.start_s)
            if answer is None and await self._bus.lrem(self._key, 1, order):
                raise RetryableError(words.not_taken)
            answer = answer or await self._answer(token, limits.done_s)
        if answer is None:
            raise RetryableError(words.not_answered)
        return answer

    async def _answer(self, token: str, timeout_s: float) -> _Answer | None:
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            wait_s = max(_MIN_WAIT_S, min(left_s, BLOCK_MS / 1000))
            popped = await self._bus.blpop([self._answer_key(token)], timeout=wait_s)
            if popped is not None:
                return required(self._decode, popped[1], "the answer of an enrolment worker")
        return None
