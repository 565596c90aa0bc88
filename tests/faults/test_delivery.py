"""Delivery: webhooks whose receiver fails, and a worker that is killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fault import Fault
from receiver import OK, Answer, Receiver, answer, receiving
from waiting import wait_until


async def _silence(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5.0)  # longer than a delivery may take


@pytest.mark.parametrize(
    "trouble", [answer(500), pytest.param(_silence, marks=pytest.mark.long)], ids=["status 500", "no answer in time"]
)
async def test_the_receiver_of_a_webhook_fails_for_a_while(site: Any, fault: Fault, trouble: Answer) -> None:
    async with _webhook(site, trouble) as receiver:
        alert_id = await asyncio.to_thread(site.alert_of_gate)
        failing = await asyncio.to_thread(wait_until, lambda: _health(site) == "failing" and _health(site))
        mended_s = time.time()
        receiver.always = OK
        await asyncio.to_thread(wait_until, lambda: _states(receiver, alert_id)[-1:] == ["closed"])
        await asyncio.to_thread(wait_until, lambda: _health(site) == "ok")
        assert _states(receiver, alert_id)[0] == "open"
        fault.enter(f"webhook `{failing}`, then `ok`; the alert arrives, opened before closed", time.time() - mended_s)


@pytest.mark.long
async def test_a_delivery_worker_is_killed_and_no_alert_is_lost(site: Any, fault: Fault) -> None:
    async with _webhook(site, answer(503)) as receiver:
        alert_id = await asyncio.to_thread(site.alert_of_gate)
        await asyncio.to_thread(wait_until, lambda: receiver.requests)
        killed_s = time.time()
        await asyncio.to_thread(site.installation.roles["delivery"].replace)
        receiver.always = OK
        await asyncio.to_thread(wait_until, lambda: _states(receiver, alert_id)[-1:] == ["closed"])
        assert _states(receiver, alert_id)[0] == "open"
        fault.enter("the alert arrives, opened before closed", time.time() - killed_s)


@asynccontextmanager
async def _webhook(site: Any, always: Answer) -> AsyncIterator[Receiver]:
    async with receiving(always) as receiver:
        body = {"id": "home", "url": receiver.url, "cameras": ["gate"], "kinds": ["anomaly"]}
        await asyncio.to_thread(site.installation.post, "/webhooks", body)
        try:
            yield receiver
        finally:
            await asyncio.to_thread(site.installation.delete, "/webhooks/home")


def _health(site: Any) -> str:
    found: str = site.installation.get("/webhooks/home")["health"]
    return found


def _states(receiver: Receiver, alert_id: str) -> list[str]:
    """States of an alert in the order they arrived."""
    alerts = [request.message["data"] for request in receiver.requests]
    return [alert["state"] for alert in alerts if alert["id"] == alert_id]
