from __future__ import annotations

import pytest
from pydantic import ValidationError

from patchwatch.contract.setting_parts.mqtt_address import MqttAddress
from patchwatch.contract.settings import Settings


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker.lan", MqttAddress("broker.lan", 1883, tls=False)),
        ("mqtts://broker.lan/", MqttAddress("broker.lan", 8883, tls=True)),
        ("mqtt://[::1]:1884", MqttAddress("::1", 1884, tls=False)),
    ],
)
def test_an_address_of_a_broker(url: str, address: MqttAddress) -> None:
    assert Settings(mqtt_url=url).mqtt_address == address


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://me:hunter2@broker.lan", "mqtt://me:hunter2@broker.lan:x", "http://broker.lan", "mqtt://", "broker.lan",
        "mqtt://broker.lan:0", "mqtt://broker.lan/topic", "mqtt://broker.lan?x=hunter2", "mqtt://[hunter2",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="PATCHWATCH_MQTT_PASSWORD_FILE") as refused:
        MqttAddress.from_url(url)
    assert "hunter2" not in str(refused.value)


def test_a_password_needs_a_user() -> None:
    with pytest.raises(ValidationError, match="PATCHWATCH_MQTT_USERNAME"):
        Settings(mqtt_url="mqtt://h", mqtt_password="hunter2")
    assert Settings().mqtt_address is None
