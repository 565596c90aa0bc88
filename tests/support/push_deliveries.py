"""Push messages of a test's own, handed to a page's service worker by Chromium's tools."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import CDPSession
from waiting import PATIENCE_S


class PushDeliveries:
    """What Chromium's tools say of service workers: who is registered, and when one has handled a push.

    Ask for notifications only then: one that is asked for while it is about to be shown is dropped by Chromium for
    good, as one that its desktop does not show.
    """

    def __init__(self) -> None:
        self._registered: asyncio.Queue[str] = asyncio.Queue()
        self._handled: asyncio.Queue[str] = asyncio.Queue()

    async def listen(self, tools: CDPSession) -> None:
        tools.on("ServiceWorker.workerRegistrationUpdated", self._registrations)
        tools.on("BackgroundService.backgroundServiceEventReceived", self._event)
        await tools.send("ServiceWorker.enable")
        await tools.send("BackgroundService.startObserving", {"service": "pushMessaging"})
        await tools.send("BackgroundService.setRecording", {"service": "pushMessaging", "shouldRecord": True})

    def _registrations(self, event: dict[str, Any]) -> None:
        for one in event["registrations"]:
            if not one["isDeleted"]:
                self._registered.put_nowait(one["registrationId"])

    def _event(self, event: dict[str, Any]) -> None:
        self._handled.put_nowait(event["backgroundServiceEvent"]["eventName"])

    async def registered(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            return await self._registered.get()

    async def handled(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while await self._handled.get() != "Push event completed":
                pass
