"""A request that is refused."""

from __future__ import annotations

from collections.abc import Sequence

from patchwatch.messages.capture_status import Reason


class Refusal(Exception):
    """The answer to a request: ``status`` with a text that publishers show.

    ``closes``: the connection ends with it. ``reason``: what the status of the camera ``camera_id`` says.
    """

    def __init__(
        self, status: int, why: str, *, headers: Sequence[tuple[str, str]] = (), closes: bool = True,
        reason: Reason | None = None, camera_id: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(why)
        self.status = status
        self.headers = headers
        self.closes = closes
        self.cseq = 0
        self.reason = reason
        self.camera_id = camera_id
