"""Answers what operators ask about changes, one question at a time."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.contract.errors import (
    InvalidMessageError,
    NotFoundError,
    PatchwatchError,
    RetryableError,
)
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.what_if import (
    START_WITHIN_S,
    BudgetChange,
    LevelChange,
    MutedChange,
    WhatIf,
    WhatIfAnswer,
    WhatIfOrder,
)
from workers.enrolment.polling_thread import PollingThread
from workers.enrolment.what_if.memory_change import what_if_memory
from workers.enrolment.what_if.score_change import what_if_scores

_WAIT_S = 0.5  # in Redis, so that a question is answered at once; what it takes at most to stop
_ANSWER_EXPIRES_S = 60

log = logging.getLogger(__name__)


class WhatIfHandler:
    """Its ``thread`` runs beside the jobs and reads only: scores, banks and memory stay as they are."""

    def __init__(self, settings: Settings, client: Any) -> None:
        self._settings = settings
        self._client = client
        self._clock = BusClock()
        self.thread = PollingThread("what-if", self.poll, 0.0, "questions about changes wait for it")

    def poll(self) -> None:
        """Answer the oldest question, if one comes within half a second."""
        popped = self._client.blpop([keys.WHAT_IF_ORDERS], timeout=_WAIT_S)
        if popped is None:
            return
        with suppress(InvalidMessageError):
            order = WhatIfOrder.decode(popped[1])
            key = keys.what_if_answer(order.token)
            with self._client.pipeline(transaction=True) as pipe:
                pipe.rpush(key, self._answer(order).encode())
                pipe.expire(key, _ANSWER_EXPIRES_S)
                pipe.execute()

    def _answer(self, order: WhatIfOrder) -> WhatIfAnswer:
        self._clock.sync(self._client)
        try:
            if self._clock.now_ms() - order.asked_at_ms > START_WITHIN_S * 1000:
                raise RetryableError("no enrolment worker had time to answer: try again")
            return WhatIfAnswer(what_if=self._what_if(order))
        except PatchwatchError as error:
            return WhatIfAnswer(code=error.code, detail=str(error))
        except Exception:  # border: a question must not end the thread that answers the next
            log.exception("%s: what if %s: no answer", order.camera_id, order.change.change)
            return WhatIfAnswer(code="error", detail="the enrolment worker failed on this question: see its log")

    def _what_if(self, order: WhatIfOrder) -> WhatIf:
        camera = self._camera(order.camera_id)
        span = order.from_ms, order.to_ms
        if isinstance(order.change, BudgetChange | LevelChange | MutedChange):
            return what_if_scores(self._client, self._settings, camera, order.change, span, self._clock.now_ms())
        return what_if_memory(self._client, self._settings, camera, order.change, span, self._clock.now_ms())

    def _camera(self, camera_id: str) -> Camera:
        record = self._client.hget(keys.CAMERAS, camera_id)
        if record is None:
            raise NotFoundError(f"there is no camera {camera_id!r}: see GET /api/v1/cameras")
        return Camera.decode(record)
