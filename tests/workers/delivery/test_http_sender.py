"""The sender connects to where it may, whatever a name resolves to, and tells failures in words without addresses."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from receiver import receiving

from patchwatch.contract.settings import Settings
from patchwatch.http_client import guarded_network
from patchwatch.messages.alerts.webhook import Webhook, new_secret
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.http_sender import HttpSender

Resolves = Callable[..., None]


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Resolves:
    """A name server whose answers are given one after the other."""

    def answer(*answers: list[str]) -> None:
        coming: Iterator[list[str]] = iter(answers)
        monkeypatch.setattr(guarded_network, "_addresses", lambda host, port: next(coming))

    return answer


@asynccontextmanager
async def sender(url: str, **settings: object) -> AsyncIterator[HttpSender]:
    webhook = Webhook.model_validate({"id": "home", "url": url, "secret": new_secret()})
    chosen = Settings(**{"webhook_timeout_s": 20.0, **settings})  # type: ignore[arg-type]
    made = HttpSender(webhook, chosen, ssl.create_default_context())
    try:
        yield made
    finally:
        await made.close()


async def test_a_name_that_changes_its_mind_is_judged_at_each_connection(resolves: Resolves) -> None:
    resolves(["127.0.0.1"], ["169.254.169.254"], ["fe80::1"], ["127.0.0.1"])
    async with receiving() as receiver:
        for kind in (ResultKind.DELIVERED, ResultKind.AWAY, ResultKind.AWAY, ResultKind.DELIVERED):
            async with sender(f"http://home.example:{receiver.port}/", webhook_reach="loopback") as one:
                assert (await one.post("1", b"{}")).kind is kind
        assert len(receiver.requests) == 2
        assert receiver.requests[0].headers["host"] == f"home.example:{receiver.port}"


async def test_of_several_addresses_only_those_allowed_are_tried(resolves: Resolves) -> None:
    resolves(["169.254.169.254", "::1", "127.0.0.1"])  # nobody listens on ::1
    async with (
        receiving() as receiver,
        sender(f"http://home.example:{receiver.port}/", webhook_reach="loopback") as one,
    ):
        assert await one.post("1", b"{}") == DeliveryResult(ResultKind.DELIVERED)


async def test_a_connection_is_used_again() -> None:
    async with receiving() as receiver, sender(receiver.url, webhook_reach="loopback") as one:
        for number in range(3):
            assert (await one.post(str(number), b"{}")).kind is ResultKind.DELIVERED
        assert len(receiver._writers) == 1


async def test_a_name_that_does_not_resolve_says_so() -> None:
    async with sender("http://receiver.invalid/x?key=hunter2") as one:
        assert await one.post("1", b"{}") == DeliveryResult(ResultKind.AWAY, "the host's name does not resolve")


async def test_a_receiver_without_tls_is_given_up_and_its_connection_closed(eventually: Any) -> None:
    async with receiving() as receiver:
        url = receiver.url.replace("http:", "https:")
        async with sender(url, webhook_reach="loopback", webhook_timeout_s=0.3) as one:
            assert await one.post("1", b"{}") == DeliveryResult(ResultKind.AWAY, "no answer within 0.3 s")
            await eventually(lambda: not receiver.connections)
    assert receiver.requests == []
