"""Where an MQTT broker is."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class MqttAddress:
    """``tls``: whether the connection is encrypted, and the broker's certificate checked."""

    host: str
    port: int
    tls: bool

    @classmethod
    def from_url(cls, url: str) -> MqttAddress:
        """Raises `ValueError`, without repeating the address: a password may be in it."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # its own message would show the password
            parts, port = urlsplit(""), None
        whole = parts.scheme in _PORTS and parts.hostname and not parts.query + parts.fragment + parts.path.strip("/")
        if "@" in parts.netloc or not whole or port == 0:
            raise ValueError(
                "is not an address like mqtt://HOST:1883 or mqtts://HOST:8883 (the user goes into "
                "PATCHWATCH_MQTT_USERNAME, the password into PATCHWATCH_MQTT_PASSWORD or a file that "
                "PATCHWATCH_MQTT_PASSWORD_FILE names)"
            )
        return cls(parts.hostname or "", port or _PORTS[parts.scheme], parts.scheme == "mqtts")
