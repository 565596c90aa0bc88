"""Whether a channel's address and templates can be used, as the process that sends messages finds."""

from __future__ import annotations

import asyncio

from patchwatch.contract.errors import OverloadedError, RetryableError
from patchwatch.messages.alerts.channel import Channel
from patchwatch.notifier.context import sample_context
from patchwatch.notifier.process import run_message
from patchwatch.notifier.protocol import MessageOrder
from service.problems.errors import InvalidFieldsError

_TIMEOUT_S = 10.0
_AT_ONCE = asyncio.Semaphore(2)  # each is a process


async def check_channel(channel: Channel) -> None:
    """Nothing is sent, and nobody is connected to. Raises `InvalidFieldsError`, and `OverloadedError` while others are
    checked. Frigate's address was checked with the channel: no process sends there."""
    if channel.frigate is not None:
        return
    order = MessageOrder(url=channel.url, title=channel.title, body=channel.body, context=sample_context(), send=False)
    if _AT_ONCE.locked():
        raise OverloadedError("other channels are being checked: try again in a moment")
    async with _AT_ONCE:
        try:
            report = await run_message(order, _TIMEOUT_S)
        except RetryableError as error:
            raise RetryableError(f"the channel could not be checked: {error}: try again") from None
    if report.fault:
        raise InvalidFieldsError.from_field(f"body.{report.fault_field}", report.fault)
