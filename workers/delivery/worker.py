"""The delivery worker: follows the configured webhooks and keeps a carrier for each that it holds the lease of."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from dataclasses import dataclass

import httpx
import redis
import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect_async, translated
from patchwatch.bus.keys import LeaseKeys
from patchwatch.contract.errors import BusUnavailableError, ConfigurationError
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.messages.heartbeat import Heartbeat
from patchwatch.messages.webhook import MAX_WEBHOOKS, Webhook
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.delivery_loop import DeliveryLoop
from workers.delivery.http_sender import HttpSender
from workers.delivery.outbox import Outbox
from workers.delivery.webhook_replica import WebhookReplica
from workers.runtime.lease import Lease
from workers.runtime.leases import Leases
from workers.runtime.stop_signals import stop_signals

_LOOK_EVERY_S = 0.5
_BEAT_EXPIRES_S = 10
_STOP_WITHIN_S = 5.0  # an attempt that takes longer is cut off, and made again by the next start

log = logging.getLogger("patchwatch.delivery")


@dataclass(frozen=True, slots=True)
class _Carried:
    webhook: Webhook
    lease: Lease
    carrier: DeliveryLoop
    task: asyncio.Task[None]


class DeliveryWorker:
    """Several may share one Redis: each webhook is delivered by one at a time."""

    def __init__(self, settings: Settings, client: redis.asyncio.Redis) -> None:
        assert settings.redis_url is not None
        self._settings = settings
        self._client = client
        self._roster = WebhookReplica(client)
        self._leases = Leases(settings.redis_url.get_secret_value(), Role.DELIVERY)
        self._bell = AlertNotifier(client)
        self._tls: ssl.SSLContext = httpx.create_ssl_context()
        self._carried: dict[str, _Carried] = {}
        self._clock = BusClock()
        self._started_at_ms = self._clock.now_ms()
        self._away = False
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`; then attempts in hand are finished, within a limit, and the leases given back."""
        self._leases.start()
        watching = asyncio.create_task(self._bell.watch(), name="bell")
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while not (watching.done() or self._stopping.is_set()):
                try:
                    await self._look()
                    self._bus_is(away=False)
                except (BusUnavailableError, redis.ResponseError) as error:
                    self._bus_is(away=True, why=str(error))
                await asyncio.wait({watching, stopping}, timeout=_LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()  # it ends before by a defect only, which ends this worker
        finally:
            self._stopping.set()
            self._bell.stop()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._stop()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()

    async def _look(self) -> None:
        wanted = {name: webhook for name, webhook in (await self._roster.read()).items() if webhook.enabled}
        units = {LeaseKeys.for_webhook(name): 1 for name in wanted.keys() | self._carried.keys()}
        self._leases.want(units)
        leaving = self._leases.leaving
        owned = {unit.name: Lease(unit, value) for unit, value in self._leases.owned.items() if unit not in leaving}
        for name, carried in list(self._carried.items()):
            if carried.task.done():
                del self._carried[name]
                carried.task.result()  # it handles what may go wrong: this is a defect
            elif (wanted.get(name), owned.get(name)) != (carried.webhook, carried.lease):
                carried.carrier.stop()  # what it has in hand is still recorded
        for unit in leaving:
            if unit.name not in self._carried:
                await asyncio.to_thread(self._leases.release, unit)
        for name in owned.keys() & wanted.keys() - self._carried.keys():
            self._carried[name] = self._carry(wanted[name], owned[name])
        await self._beat()

    def _carry(self, webhook: Webhook, lease: Lease) -> _Carried:
        outbox = Outbox(self._client, webhook, lease)
        courier = HttpSender(webhook, self._settings, self._tls)
        carrier = DeliveryLoop(webhook, outbox, courier, self._settings, self._bell)
        return _Carried(webhook, lease, carrier, asyncio.create_task(carrier.run(), name=f"webhook {webhook.id}"))

    async def _stop(self) -> None:
        tasks = {carried.task for carried in self._carried.values()}
        for carried in self._carried.values():
            carried.carrier.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_WITHIN_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._leases.stop)
        with contextlib.suppress(BusUnavailableError), translated():
            await self._client.delete(self._worker_key())

    async def _beat(self) -> None:
        with translated():
            await self._clock.sync_async(self._client)
        beat = Heartbeat(
            role="delivery", host=socket.gethostname(), pid=os.getpid(), started_at_ms=self._started_at_ms,
            updated_at_ms=self._clock.now_ms(),
        )  # fmt: skip
        with translated():
            await self._client.set(self._worker_key(), beat.encode(), ex=_BEAT_EXPIRES_S)

    def _worker_key(self) -> str:
        return keys.worker("delivery", self._leases.worker)

    def _bus_is(self, away: bool, why: str = "") -> None:
        if away and not self._away:
            log.warning("%s; alerts are delivered when it is back", why)
        elif self._away and not away:
            log.info("Redis answers again")
        self._away = away


def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; a second one ends it at once. Raises `ConfigurationError` without a Redis URL."""
    asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """The worker as a coroutine."""
    if settings.redis_url is None:
        raise ConfigurationError("the delivery worker needs a Redis: set PATCHWATCH_REDIS_URL")
    stop = stop_signals()
    # A carrier uses one connection at a time; the rest is for the bell and the leases.
    async with connect_async(settings.redis_url.get_secret_value(), max_connections=MAX_WEBHOOKS + 10) as client:
        worker = DeliveryWorker(settings, client)
        working = asyncio.create_task(worker.run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if working.done():
            working.result()
        worker.stop()
        await asyncio.gather(working, return_exceptions=True)
