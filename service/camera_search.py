"""Looks for cameras that others know, one search at a time: by a program that ends, as strangers answer it."""

from __future__ import annotations

import time

from pydantic import ValidationError

from patchwatch.contract.child_environment import bare_environment
from patchwatch.contract.errors import OverloadedError, RejectedError, RetryableError
from patchwatch.nvr.search import FoundCamera, SearchAnswer, SearchOrder
from service.child_program import answer_of

_WITHIN_S = 60.0
_PAUSE_S = 5.0  # cameras lock out whoever insists


class CameraSearch:
    """One for the whole service."""

    def __init__(self) -> None:
        self._busy = False
        self._next_s = 0.0

    async def found(self, order: SearchOrder) -> list[FoundCamera]:
        """Raises `OverloadedError` while another search runs or ended only now, `RejectedError` where nothing could be
        looked for, and `RetryableError` where it took too long."""
        if self._busy or time.monotonic() < self._next_s:
            raise OverloadedError(f"cameras are being looked for already: try again in {_PAUSE_S:.0f} s")
        self._busy = True
        try:
            answer = await answer_of(
                ["patchwatch.nvr.search"], bare_environment(), within_s=_WITHIN_S,
                question=order.model_dump_json().encode(),
            )  # fmt: skip
        finally:
            self._busy = False
            self._next_s = time.monotonic() + _PAUSE_S
        try:
            read = SearchAnswer.model_validate_json(answer)
        except ValidationError:
            raise RetryableError("the search ended without an answer that can be read: try again") from None
        if read.problem:
            raise RejectedError(read.problem)
        return read.cameras
