"""The delivery worker: follows the configured receivers, and runs a loop for each that it holds the lease of."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from dataclasses import dataclass

import httpx
import redis
import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect_async, translated
from patchwatch.bus.keys import LeaseKeys
from patchwatch.bus.outage_log import OutageLog
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.channel import MAX_CHANNELS, Channel
from patchwatch.messages.alerts.webhook import MAX_WEBHOOKS, Webhook
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.channels.channel_loop import ChannelLoop
from workers.delivery.channels.channel_outbox import ChannelOutbox
from workers.delivery.channels.channel_sender import SENDERS, ChannelSender, Sender
from workers.delivery.channels.push_sender import PushSender
from workers.delivery.delivery_loop import DeliveryLoop
from workers.delivery.frigate.frigate_client import FrigateClient
from workers.delivery.frigate.frigate_loop import FrigateLoop
from workers.delivery.guarded_http import GuardedHttp
from workers.delivery.http_sender import HttpSender
from workers.delivery.mqtt.mqtt_loop import MqttLoop
from workers.delivery.mqtt.mqtt_outbox import Broker, MqttOutbox
from workers.delivery.outbox import Outbox
from workers.delivery.receiver_loop import ReceiverLoop
from workers.delivery.sentences.sentence_loop import SentenceLoop
from workers.delivery.sentences.sentence_outbox import SentenceOutbox, Writer
from workers.delivery.sentences.sentence_server import SentenceServer
from workers.runtime.alert_records import lifetime_s
from workers.runtime.config_replica import ConfigReplica
from workers.runtime.heartbeat import HeartbeatWriter
from workers.runtime.leases import Lease, Leases
from workers.runtime.stop_signals import stop_event, stop_or_end

_POLL_S = 0.5
_STOP_WITHIN_S = 5.0  # a longer attempt is cut off, and made again after the next start

log = logging.getLogger("patchwatch.delivery")


_Receiver = Webhook | Channel | Broker | Writer


@dataclass(frozen=True, slots=True)
class _Delivery:
    receiver: _Receiver
    lease: Lease
    loop: ReceiverLoop
    task: asyncio.Task[None]


class DeliveryWorker:
    """Several may share one Redis: each receiver is served by one at a time."""

    def __init__(self, settings: Settings, client: redis.asyncio.Redis) -> None:
        self._settings = settings
        self._client = client
        self._webhooks = ConfigReplica(client, keys.WEBHOOKS, keys.WEBHOOKS_REVISION, Webhook.decode, "webhook")
        self._channels = ConfigReplica(client, keys.CHANNELS, keys.CHANNELS_REVISION, Channel.decode, "channel")
        self._leases = Leases(settings.shared_redis_url, Role.DELIVERY)
        self._notifier = AlertNotifier(client)
        self._tls: ssl.SSLContext = httpx.create_ssl_context()
        self._senders = asyncio.Semaphore(SENDERS)
        self._deliveries: dict[LeaseKeys, _Delivery] = {}
        self._clock = BusClock()
        self._heartbeat = HeartbeatWriter(Role.DELIVERY, self._leases.worker, self._clock)
        self._outage = OutageLog("alerts are delivered when it is back")
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Deliver until `stop`; then attempts in progress may finish, within a limit, and the leases are given back."""
        self._leases.start()
        watching = asyncio.create_task(self._notifier.run(), name="alert notifier")
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while not (watching.done() or self._stopping.is_set()):
                try:
                    await self._refresh()
                    self._outage.answered()
                except (BusUnavailableError, redis.ResponseError) as error:
                    self._outage.failed(error)
                await asyncio.wait({watching, stopping}, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()  # it ends early only by a defect, which ends this worker
        finally:
            self._stopping.set()
            self._notifier.stop()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._stop()

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()

    async def _refresh(self) -> None:
        wanted = await self._receivers()
        self._leases.want(dict.fromkeys(wanted.keys() | self._deliveries.keys(), 1))
        leaving = self._leases.leaving
        owned = {unit: Lease(unit, value) for unit, value in self._leases.owned.items() if unit not in leaving}
        for unit, delivery in list(self._deliveries.items()):
            if delivery.task.done():
                del self._deliveries[unit]
                delivery.task.result()  # the loop handles expected errors itself: this is a defect
            elif (wanted.get(unit), owned.get(unit)) != (delivery.receiver, delivery.lease):
                delivery.loop.stop()  # the attempt in progress is still recorded
        for unit in leaving:
            if unit not in self._deliveries:
                await asyncio.to_thread(self._leases.release, unit)
        for unit in owned.keys() & wanted.keys() - self._deliveries.keys():
            self._deliveries[unit] = self._start(wanted[unit], owned[unit])
        await self._send_heartbeat()

    async def _receivers(self) -> dict[LeaseKeys, _Receiver]:
        """Those that are switched on, by what the lease is held of."""
        webhooks, channels = await self._webhooks.read(), await self._channels.read()
        receivers: dict[LeaseKeys, _Receiver] = {LeaseKeys.for_webhook(name): one for name, one in webhooks.items()}
        receivers |= {LeaseKeys.for_channel(name): one for name, one in channels.items()}
        if self._settings.mqtt_address:
            receivers[LeaseKeys.for_mqtt()] = Broker()
        if self._settings.sentence_url:
            receivers[LeaseKeys.for_sentences()] = Writer()
        return {unit: receiver for unit, receiver in receivers.items() if receiver.enabled}

    def _start(self, receiver: _Receiver, lease: Lease) -> _Delivery:
        loop = self._loop(receiver, lease)
        return _Delivery(receiver, lease, loop, asyncio.create_task(loop.run(), name=f"delivery to {receiver.id}"))

    def _loop(self, receiver: _Receiver, lease: Lease) -> ReceiverLoop:
        if isinstance(receiver, Webhook):
            http_sender = HttpSender(receiver, self._settings, self._tls)
            outbox = Outbox(self._client, receiver, lease)
            return DeliveryLoop(receiver, outbox, http_sender, self._settings, self._notifier)
        if isinstance(receiver, Broker):
            return self._mqtt_loop(lease)
        if isinstance(receiver, Writer):
            return self._sentence_loop(lease)
        return self._channel_loop(receiver, ChannelOutbox(self._client, receiver, lease))

    def _channel_loop(self, channel: Channel, outbox: ChannelOutbox) -> ReceiverLoop:
        frigate = channel.frigate
        if frigate is not None:
            http = GuardedHttp(self._settings.webhook_reach, self._settings.webhook_timeout_s, self._tls)
            return FrigateLoop(channel, outbox, FrigateClient(frigate, http), self._settings, self._notifier)
        return ChannelLoop(channel, outbox, self._sender(channel, outbox), self._settings, self._notifier)

    def _sender(self, channel: Channel, outbox: ChannelOutbox) -> Sender:
        if channel.device is not None:
            return PushSender(channel, channel.device, outbox, self._settings, self._tls)
        return ChannelSender(channel, self._settings, self._senders)

    def _mqtt_loop(self, lease: Lease) -> ReceiverLoop:
        address = self._settings.mqtt_address
        assert address is not None
        outbox = MqttOutbox(self._client, lease, self._settings.partitions)
        return MqttLoop(address, outbox, self._settings, self._notifier)

    def _sentence_loop(self, lease: Lease) -> ReceiverLoop:
        url, model = self._settings.sentence_url, self._settings.sentence_model
        assert url is not None
        assert model is not None
        server = SentenceServer(url, model, self._settings, self._tls)
        outbox = SentenceOutbox(self._client, lease, lifetime_s(self._settings.alert_retention_days))
        return SentenceLoop(outbox, server, self._settings, self._notifier)

    async def _stop(self) -> None:
        tasks = {delivery.task for delivery in self._deliveries.values()}
        for delivery in self._deliveries.values():
            delivery.loop.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_WITHIN_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._leases.stop)
        with contextlib.suppress(BusUnavailableError), translated():
            await self._client.delete(self._heartbeat.key)

    async def _send_heartbeat(self) -> None:
        with translated():
            await self._clock.sync_async(self._client)
            await self._heartbeat.write(self._client)


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; a second one ends it at once. Raises `ConfigurationError` without a Redis URL."""
    asyncio.run(serve(settings))


async def serve(settings: Settings) -> None:
    """The worker as a coroutine."""
    url = settings.shared_redis_url
    stop = stop_event()
    # A delivery loop uses one connection at a time; the rest is for the notifier and the leases.
    async with connect_async(url, max_connections=MAX_WEBHOOKS + MAX_CHANNELS + 10) as client:
        worker = DeliveryWorker(settings, client)
        working = asyncio.create_task(worker.run())
        await stop_or_end(working, stop)
        worker.stop()
        await asyncio.gather(working, return_exceptions=True)
