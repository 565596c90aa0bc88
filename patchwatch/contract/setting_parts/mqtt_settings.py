"""The settings of what is told over MQTT: part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from patchwatch.contract.setting_parts.mqtt_address import MqttAddress


def _checked(url: str) -> str:
    MqttAddress.from_url(url)
    return url


class MqttSettings(BaseSettings):
    """Without `mqtt_url` nothing is told over MQTT."""

    mqtt_url: Annotated[str, AfterValidator(_checked)] | None = Field(
        None,
        max_length=500,
        description="Broker that is told of cameras and alerts, as mqtt://HOST:1883 or mqtts://HOST:8883; Home "
        "Assistant finds the cameras there.",
    )
    mqtt_username: str | None = Field(None, description="User of the broker.")
    mqtt_password: SecretStr | None = Field(
        None, validate_default=True, description="Password to PATCHWATCH_MQTT_USERNAME."
    )
    mqtt_ca_file: Path | None = Field(
        None,
        description="PEM file of the authorities that the broker's certificate is checked by. Default: the system's.",
    )
    mqtt_topic: str = Field(
        "patchwatch", pattern=r"^[A-Za-z0-9_-]{1,64}$", description="What all our topics begin with."
    )
    mqtt_discovery_prefix: str = Field(
        "homeassistant",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Prefix by which Home Assistant discovers devices.",
    )

    @field_validator("mqtt_password")
    @classmethod
    def _check_mqtt_user(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and not info.data.get("mqtt_username"):  # no broker would be told the password
            raise ValueError("goes with PATCHWATCH_MQTT_USERNAME: set that, too")
        return value

    @property
    def mqtt_address(self) -> MqttAddress | None:
        """Where the broker is; None where nothing is told over MQTT."""
        return MqttAddress.from_url(self.mqtt_url) if self.mqtt_url else None
