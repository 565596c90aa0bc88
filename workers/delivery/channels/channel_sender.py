"""Has messages of one channel written and sent by a process of its own, and says how that went."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from pydantic import SecretStr

from patchwatch.contract.errors import RetryableError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.channel import Channel
from patchwatch.notifier.process import NoAnswerError, run_message
from patchwatch.notifier.protocol import MessageOrder, MessageReport
from workers.delivery.delivery_result import DeliveryResult, ResultKind

SENDERS = 4  # processes at once, of all channels: each loads a hundred services, and takes some 80 MB


class Sender(Protocol):
    """Has one channel's messages sent."""

    async def send(self, context: dict[str, Any], picture: bytes | None) -> tuple[DeliveryResult, MessageReport]:
        """One attempt, bounded in time, and the words of the message. Raises nothing that a service can cause."""
        ...

    async def close(self) -> None:
        """Let go of connections."""


class ChannelSender:
    """``slots``: of all channels together."""

    def __init__(self, channel: Channel, settings: Settings, slots: asyncio.Semaphore) -> None:
        self._channel = channel
        self._settings = settings
        self._slots = slots

    async def send(self, context: dict[str, Any], picture: bytes | None) -> tuple[DeliveryResult, MessageReport]:
        """One attempt, bounded in time, and the words of the message. Raises nothing that a service can cause."""
        order = MessageOrder(
            url=SecretStr(self._channel.url.get_secret_value()), reach=self._settings.webhook_reach,
            title=self._channel.title, body=self._channel.body, context=context,
        ).model_copy(update={"picture": picture})  # fmt: skip
        try:
            async with self._slots:
                report = await run_message(order, self._settings.webhook_timeout_s)
        except NoAnswerError as error:
            return DeliveryResult(ResultKind.AWAY, str(error)), MessageReport()
        except RetryableError as error:
            return DeliveryResult(ResultKind.FAILED, str(error)), MessageReport()
        return _result(report), report

    async def close(self) -> None:
        """Each message has had a process of its own."""


def _result(report: MessageReport) -> DeliveryResult:
    if report.sent:
        return DeliveryResult(ResultKind.DELIVERED)
    if report.fault:
        return DeliveryResult(ResultKind.REJECTED, f"the channel's {report.fault_field} {report.fault}")
    if report.refusal:
        return DeliveryResult(ResultKind.AWAY, report.refusal)
    if report.status is not None:
        result = DeliveryResult.from_status(report.status, None)
        wanted = result.kind not in (ResultKind.DELIVERED, ResultKind.GONE)
        return result if wanted else DeliveryResult(ResultKind.REJECTED, f"HTTP {report.status}")
    if report.unreachable:
        return DeliveryResult(ResultKind.AWAY, "the service cannot be reached, or refuses the connection")
    return DeliveryResult(ResultKind.FAILED, "the service did not take the message")
