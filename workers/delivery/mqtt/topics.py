"""The names of topics: ours, and those of Home Assistant."""

from __future__ import annotations

from dataclasses import dataclass

from patchwatch.contract.settings import Settings


@dataclass(frozen=True)
class Topics:
    """``ours`` is what all our topics begin with, ``discovery`` Home Assistant's prefix."""

    ours: str
    discovery: str

    @classmethod
    def from_settings(cls, settings: Settings) -> Topics:
        return cls(settings.mqtt_topic, settings.mqtt_discovery_prefix)

    @property
    def availability(self) -> str:
        """``online``, or ``offline``: also said by the broker when the connection breaks."""
        return f"{self.ours}/status"

    @property
    def every_mute_command(self) -> str:
        return f"{self.of_camera('+', 'mute')}/set"

    @property
    def home_assistant_status(self) -> str:
        """``online`` when Home Assistant has started."""
        return f"{self.discovery}/status"

    def of_camera(self, camera_id: str, noun: str) -> str:
        return f"{self.ours}/{camera_id}/{noun}"

    def mute_command(self, camera_id: str) -> str:
        return f"{self.of_camera(camera_id, 'mute')}/set"

    def muted_camera(self, topic: str) -> str | None:
        """The camera of a mute command; None for another topic."""
        begin, end = f"{self.ours}/", "/mute/set"
        inside = topic.startswith(begin) and topic.endswith(end)
        return topic[len(begin) : -len(end)] if inside else None

    def device(self, camera_id: str) -> str:
        """Where the camera's device is announced."""
        return f"{self.discovery}/device/patchwatch_{camera_id}/config"
