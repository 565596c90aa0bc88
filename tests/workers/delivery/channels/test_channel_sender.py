"""What the report of a sending process means for its message."""

from __future__ import annotations

import asyncio

import pytest

from patchwatch.contract.errors import RetryableError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.channel import Channel
from patchwatch.notifier.process import NoAnswerError
from patchwatch.notifier.protocol import MessageOrder, MessageReport
from workers.delivery.channels.channel_sender import ChannelSender
from workers.delivery.delivery_result import ResultKind


@pytest.mark.parametrize(
    ("outcome", "kind", "reason"),
    [
        (MessageReport(sent=True), ResultKind.DELIVERED, ""),
        (MessageReport(status=401), ResultKind.REJECTED, "HTTP 401"),
        (MessageReport(status=410), ResultKind.REJECTED, "HTTP 410"),
        (MessageReport(status=200), ResultKind.REJECTED, "HTTP 200"),
        (MessageReport(status=429), ResultKind.AWAY, "HTTP 429"),
        (MessageReport(status=500), ResultKind.FAILED, "HTTP 500"),
        (MessageReport(unreachable=True), ResultKind.AWAY, "the service cannot be reached, or refuses the connection"),
        (MessageReport(unreachable=True, refusal="not there"), ResultKind.AWAY, "not there"),
        (MessageReport(), ResultKind.FAILED, "the service did not take the message"),
        (MessageReport(fault="is wrong", fault_field="body"), ResultKind.REJECTED, "the channel's body is wrong"),
        (NoAnswerError("no answer within 10 s"), ResultKind.AWAY, "no answer within 10 s"),
        (RetryableError("broke down"), ResultKind.FAILED, "broke down"),
    ],
)
async def test_the_result_of_an_attempt(
    outcome: MessageReport | RetryableError, kind: ResultKind, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[MessageOrder] = []

    async def run(order: MessageOrder, timeout_s: float) -> MessageReport:
        orders.append(order)
        if isinstance(outcome, RetryableError):
            raise outcome
        return outcome

    monkeypatch.setattr("workers.delivery.channels.channel_sender.run_message", run)
    channel = Channel.model_validate({"id": "phone", "url": "ntfy://u:hunter2@h/t"})
    sender = ChannelSender(channel, Settings(), asyncio.Semaphore(1))
    result, _ = await sender.send({}, b"picture")
    assert (result.kind, result.reason) == (kind, reason)
    [order] = orders
    assert (order.picture, order.reach) == (b"picture", "private")
    assert MessageOrder.decode(order.encode()) == order, "what the process reads"
    assert "hunter2" not in repr(order)
