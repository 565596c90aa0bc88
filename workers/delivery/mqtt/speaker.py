"""What is to be published at each turn, and what the broker has been told already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from patchwatch.bus.streams import entry_ms, entry_order
from patchwatch.contract.timestamps import iso
from patchwatch.messages.alerts.alert import Alert, AlertChange, AlertKind, AlertState
from patchwatch.messages.alerts.mqtt_progress import MAX_OPEN_ALERTS, MqttProgress, OpenAlert
from patchwatch.messages.alerts.mute import Mute, is_muted
from patchwatch.messages.alerts.severity import severity_of
from patchwatch.messages.cameras.camera import Camera
from workers.delivery.mqtt.discovery import OFF, ON, SENSORS, device, event_type, sensor_state
from workers.delivery.mqtt.topics import Topics

_STATES = (*SENSORS, "mute")  # topics of a camera that the broker retains


class Publish(Protocol):
    """Returns once the broker has taken it; with ``qos`` 0, once it is sent."""

    async def __call__(self, topic: str, payload: str, *, retain: bool = False, qos: int = 1) -> None: ...


class Speaker:
    """Publishes for one connection: what the broker was told is known until that ends."""

    def __init__(self, publish: Publish, topics: Topics, page: str | None) -> None:
        self._publish = publish
        self._topics = topics
        self._page = page
        self._told: dict[str, str] = {}  # payloads by topic, of what is retained
        self._score_ids: dict[str, str] = {}
        self._announced: Mapping[str, Camera] | None = None

    def forget_announcements(self) -> None:
        """Have all devices announced again: Home Assistant has started anew."""
        self._told.clear()
        self._announced = None

    async def announce(self, cameras: Mapping[str, Camera], progress: MqttProgress) -> MqttProgress:
        """Tell of cameras that are new or changed, and take back those that are gone. ``cameras``: another object when
        they change."""
        if cameras is self._announced:
            return progress
        for camera_id in progress.announced:
            if camera_id not in cameras:
                await self._take_back(camera_id)
        for camera in cameras.values():
            payload = json.dumps(device(camera, self._topics, self._page))
            await self._retained(self._topics.device(camera.id), payload)
        self._announced = cameras
        known = tuple(one for one in progress.open if one.camera_id in cameras)
        if progress.announced == tuple(cameras) and known == progress.open:
            return progress
        return progress.moved(announced=tuple(cameras), open=known)

    async def tell_change(
        self, progress: MqttProgress, entry_id: str, alert: Alert | None, oldest_ms: int
    ) -> MqttProgress:
        """Publish the event of one entry of the stream, unless it is older than ``oldest_ms``; returns the progress
        after it."""
        progress = progress.moved(position=entry_id, passed=progress.passed + 1)
        if alert is None or alert.page_only or alert.camera_id not in progress.announced:
            return progress
        over = alert.state is AlertState.CLOSED
        quiet = entry_order(entry_id) <= entry_order(progress.quiet_until) or alert.change is AlertChange.UPDATE
        if not quiet and entry_ms(entry_id) < oldest_ms:
            progress = progress.moved(dead=progress.dead + 1)
        elif not quiet:
            topic = self._topics.of_camera(alert.camera_id, "event")
            await self._publish(topic, json.dumps(self._event(alert, over)))
            progress = progress.moved(delivered=progress.delivered + 1)
        others = tuple(one for one in progress.open if one.id != alert.id)
        opened = () if over else (OpenAlert(id=alert.id, camera_id=alert.camera_id, kind=alert.kind),)
        return progress.moved(open=(*others, *opened)[-MAX_OPEN_ALERTS:])

    async def tell_states(self, progress: MqttProgress, mutes: Mapping[str, Mute], now_ms: int) -> None:
        """Publish the states of all cameras that have changed."""
        kinds: dict[str, set[AlertKind]] = {}
        for one in progress.open:
            kinds.setdefault(one.camera_id, set()).add(one.kind)
        for camera_id in progress.announced:
            for sensor in SENSORS:
                state = sensor_state(sensor, frozenset(kinds.get(camera_id, ())))
                await self._retained(self._topics.of_camera(camera_id, sensor), state)
            muted = ON if is_muted(mutes, camera_id, now_ms) else OFF
            await self._retained(self._topics.of_camera(camera_id, "mute"), muted)

    async def tell_scores(self, scores: Mapping[str, tuple[str, float]]) -> None:
        """Publish the last score of each camera that has a new one. ``scores``: ids and scores by camera."""
        for camera_id, (score_id, score) in scores.items():
            if self._score_ids.get(camera_id) != score_id:
                self._score_ids[camera_id] = score_id
                await self._publish(self._topics.of_camera(camera_id, "score"), f"{score:.3f}", qos=0)

    def _event(self, alert: Alert, over: bool) -> dict[str, Any]:
        event = {
            "event_type": event_type(alert.kind, over=over), "alert_id": alert.id,
            "severity": severity_of(alert).value, "started": iso(alert.started_at_ms), "zones": list(alert.zones),
            "peak_score": alert.peak_score, "detail": alert.detail,
        }  # fmt: skip
        return event | ({"link": f"{self._page}/#alert={quote(alert.id)}"} if self._page else {})

    async def _retained(self, topic: str, payload: str) -> None:
        if self._told.get(topic) != payload:
            await self._publish(topic, payload, retain=True)
            self._told[topic] = payload

    async def _take_back(self, camera_id: str) -> None:
        """An empty payload has the broker forget, and Home Assistant remove the device."""
        self._score_ids.pop(camera_id, None)
        for topic in (self._topics.device(camera_id), *(self._topics.of_camera(camera_id, one) for one in _STATES)):
            await self._publish(topic, "", retain=True)
            self._told.pop(topic, None)
