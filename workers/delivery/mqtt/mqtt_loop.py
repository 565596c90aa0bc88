"""Speaks with the MQTT broker: connects again with growing pauses, and goes on where the broker stopped listening."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from contextlib import AsyncExitStack, suppress

import aiomqtt

from patchwatch.bus.backoff import Backoff, late_jitter
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.contract.setting_parts.mqtt_address import MqttAddress
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.mqtt_progress import MqttProgress
from workers.delivery.alert_notifier import AlertNotifier
from workers.delivery.mqtt.discovery import OFF, OFFLINE, ON, ONLINE
from workers.delivery.mqtt.mqtt_outbox import MqttOutbox
from workers.delivery.mqtt.speaker import Speaker
from workers.delivery.mqtt.topics import Topics
from workers.delivery.receiver_loop import ReceiverLoop

_TURN_S = 1.0  # of the scores: no camera's is published more often
RETRY_MIN_S, RETRY_MAX_S = 1.0, 60.0  # between attempts to connect
_TIMEOUT_S = 10.0  # of the broker's answers
_KEEPALIVE_S = 20
_MOST_COMMANDS = 100  # that wait to be looked at; more are dropped

log = logging.getLogger("patchwatch.delivery")


class MqttLoop(ReceiverLoop):
    """One connection at a time. While there is none, what is to be told waits in the stream of alerts."""

    def __init__(self, address: MqttAddress, outbox: MqttOutbox, settings: Settings, notifier: AlertNotifier) -> None:
        super().__init__("MQTT", notifier)
        self._address = address
        self._outbox = outbox
        self._settings = settings
        self._topics = Topics.from_settings(settings)
        self._backoff = Backoff(RETRY_MIN_S, RETRY_MAX_S, late_jitter)
        self._failures = 0
        self._stack = AsyncExitStack()
        self._mqtt: aiomqtt.Client | None = None
        self._commands: asyncio.Task[None] | None = None
        self._speaker: Speaker | None = None
        self._scores_at_s = 0.0

    async def _deliver_what_is_due(self) -> float:
        try:
            async with asyncio.timeout(None if self._speaker else 3 * _TIMEOUT_S):
                speaker = self._speaker or await self._connect()
            if self._commands is not None and self._commands.done():
                self._commands.result()
                raise aiomqtt.MqttError("the broker closed the connection")
            wait_s = await self._speak(speaker)
        except (aiomqtt.MqttError, OSError, TimeoutError, ValueError) as error:
            return await self._lost(error)
        except BusUnavailableError:
            raise  # the connection stays: the broker is not what is away
        return wait_s

    async def _speak(self, speaker: Speaker) -> float:
        progress = before = await self._outbox.begun_progress()
        progress = await speaker.announce(await self._outbox.cameras(), progress)
        if progress != before:
            progress = before = await self._outbox.record(progress)
        progress, changes = await self._outbox.alerts_after(progress)
        now_ms = await self._outbox.now_ms()
        oldest_ms = now_ms - round(self._settings.webhook_max_age_hours * 3_600_000)
        try:
            for entry_id, alert in changes:
                progress = await speaker.tell_change(progress, entry_id, alert, oldest_ms)
        finally:
            if progress != before:  # also what the broker took before it went away
                await self._outbox.record(progress)
        if len(changes) == self._outbox.page:
            return 0.0
        await speaker.tell_states(progress, await self._outbox.mutes(), now_ms)
        return await self._tell_scores(speaker, progress)

    async def _tell_scores(self, speaker: Speaker, progress: MqttProgress) -> float:
        now_s = time.monotonic()
        if now_s - self._scores_at_s >= _TURN_S:
            self._scores_at_s = now_s
            await speaker.tell_scores(await self._outbox.last_scores(progress.announced))
        return _TURN_S

    async def _connect(self) -> Speaker:
        """Raises aiomqtt's errors, and `OSError` for a file of authorities that cannot be read.

        All our workers have one name at the broker: who takes over from one that hangs ends its connection, and has its
        will told before the broker hears of the new one.
        """
        await self._outbox.check_lease()
        password = self._settings.mqtt_password
        mqtt = aiomqtt.Client(
            self._address.host, self._address.port, username=self._settings.mqtt_username,
            password=password.get_secret_value() if password else None,
            will=aiomqtt.Will(self._topics.availability, OFFLINE, qos=1, retain=True), timeout=_TIMEOUT_S,
            keepalive=_KEEPALIVE_S, tls_context=self._tls(), max_queued_incoming_messages=_MOST_COMMANDS,
            logger=_QUIET, identifier=f"patchwatch-{self._topics.ours}",
        )  # fmt: skip
        await self._stack.enter_async_context(mqtt)
        self._mqtt = mqtt
        await mqtt.subscribe([(self._topics.every_mute_command, 1), (self._topics.home_assistant_status, 1)])
        await mqtt.publish(self._topics.availability, ONLINE, qos=1, retain=True)
        speaker = self._speaker = Speaker(self._publish, self._topics, self._settings.public_url)
        self._commands = asyncio.create_task(self._listen(mqtt, speaker), name="MQTT commands")
        if self._failures:
            log.info("MQTT: connected again after %d failed attempts", self._failures)
        self._failures = 0
        return speaker

    def _tls(self) -> ssl.SSLContext | None:
        if not self._address.tls:
            return None
        file = self._settings.mqtt_ca_file
        return ssl.create_default_context(cafile=str(file) if file else None)

    async def _publish(self, topic: str, payload: str, *, retain: bool = False, qos: int = 1) -> None:
        if self._mqtt is None:
            raise aiomqtt.MqttError("not connected")
        await self._mqtt.publish(topic, payload, qos=qos, retain=retain)

    async def _listen(self, mqtt: aiomqtt.Client, speaker: Speaker) -> None:
        """Follow the switches of Home Assistant, and its starts."""
        async for message in mqtt.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            topic = str(message.topic)
            if topic == self._topics.home_assistant_status and payload == ONLINE.encode():
                speaker.forget_announcements()
            camera_id = self._topics.muted_camera(topic)
            if camera_id is not None and payload in (ON.encode(), OFF.encode()) and not message.retain:
                with suppress(BusUnavailableError):  # the switch goes back by itself
                    await self._outbox.mute(camera_id, muted=payload == ON.encode())

    async def _lost(self, error: Exception) -> float:
        """Log it once, and say for how long to wait."""
        await self._disconnect()
        if not self._failures:
            log.warning("MQTT: nothing is told until the broker answers again: %s", _why(error))
        wait_s = self._backoff.delay_s(self._failures)
        self._failures += 1
        await self._pause(wait_s, asyncio.Event())  # no alert hastens it
        return 0.001

    async def _close(self) -> None:
        if self._mqtt is not None and self._stopping.is_set():  # else another worker has taken over
            with suppress(aiomqtt.MqttError, TimeoutError):
                await self._mqtt.publish(self._topics.availability, OFFLINE, qos=1, retain=True)
        await self._disconnect()

    async def _disconnect(self) -> None:
        self._speaker = self._mqtt = None
        if self._commands is not None:
            self._commands.cancel()
            await asyncio.gather(self._commands, return_exceptions=True)
            self._commands = None
        stack, self._stack = self._stack, AsyncExitStack()
        with suppress(aiomqtt.MqttError, OSError, TimeoutError):
            await stack.aclose()


_QUIET = logging.getLogger("patchwatch.mqtt")
_QUIET.setLevel(logging.CRITICAL)  # what it says of connections, we say once, and without their secrets


def _why(error: Exception) -> str:
    """In our words where theirs may hold an address."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate is not valid here: PATCHWATCH_MQTT_CA_FILE names the authorities that it is checked by"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
